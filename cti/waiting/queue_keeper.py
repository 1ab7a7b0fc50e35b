"""Keeps the PBX's queues in the order that `ageing.py` finds right, by raising and lowering priorities.

Three sources, each for what it alone knows. The PBX: who waits at this moment, in which order and with which
priorities; asked anew for each round (`QueueWatch`), so that a restart or a cut link leaves nothing to catch
up with. The ledger: since when a caller has a place, and their VIP level. Memory: which of the last answers
passed somebody; after a restart it begins empty, which lets some more VIPs through.

Whom the ledger does not know (yet), or whoever waits while we are away, stays where the priority of joining
has put them: that one is the dialplan's, and needs nobody.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from itertools import groupby
from typing import Protocol

import structlog

from cti.asterisk.ami import AmiCut, AmiLate, AmiRefused, AmiReply, BadAmiValue
from cti.asterisk.translate import DUTY
from cti.live import LiveCalls
from cti.waiting.ageing import Waiter, changes, in_turn, passes
from cti.waiting.queues import QueuePicture, Waiting
from ivr.vip_rules import WINDOW, Vip
from tickets.call import Call
from tickets.database import DatabaseTrouble
from tickets.places import Place
from tickets.vocabulary import EventKind

log = structlog.get_logger()


class SetsPriorities(Protocol):
    """The part of `AmiLink` that is needed here; its own deadline holds."""

    async def action(self, name: str, /, **fields: str) -> AmiReply: ...


class SeesQueues(Protocol):
    """The part of `QueueWatch` that is needed here."""

    picture: QueuePicture | None

    async def next(self) -> QueuePicture | None: ...

    def wake(self) -> None: ...


class QueueKeeper:
    """One per PBX."""

    def __init__(
        self,
        pbx: SetsPriorities,
        watch: SeesQueues,
        live: LiveCalls,
        places_of: Callable[[Collection[str]], Awaitable[Mapping[str, Place]]],
        rules: Vip,
    ) -> None:
        """
        Args:
            pbx: the AMI link.
            watch: gives a picture of the queues after each change, and every few seconds.
            live: tells who has joined and who was answered.
            places_of: the ledger's word, `PlaceBook.of`; has a deadline of its own.
            rules: the scenario's.
        """
        self._pbx, self._watch, self._live = pbx, watch, live
        self._places_of, self._rules = places_of, rules
        self._places: dict[str, Place] = {}  # of those who wait
        self._lines: dict[str, dict[str, Waiter]] = {}  # by queue and call, as of the last round
        self._answers: dict[str, deque[bool]] = defaultdict(lambda: deque(maxlen=WINDOW - 1))
        self._news = asyncio.Event()
        self._used: QueuePicture | None = None  # its priorities are no longer true: they were changed

    async def run(self) -> None:
        """Keep order, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._look())
            tasks.create_task(self._listen())
            while True:
                await self._news.wait()
                self._news.clear()
                picture = self._watch.picture
                if picture is not None and picture is not self._used and await self.keep(picture):
                    self._used = picture
                    self._watch.wake()

    async def _look(self) -> None:
        while True:
            await self._watch.next()
            self._news.set()

    async def _listen(self) -> None:
        with self._live.subscribe() as subscription:
            while True:
                for change in (await subscription.next())[0]:
                    if change.event.kind is EventKind.QUEUE_JOINED:
                        self._news.set()  # now the ledger knows their place
                    elif change.event.kind is EventKind.OPERATOR_ANSWERED:
                        self._answered(change.call)

    def _answered(self, call: Call) -> None:
        if call.queue is None or call.operator == DUTY:
            return
        line = self._lines.get(call.queue, {})
        since = (call.queued_at or call.received_at).timestamp()
        waiter = line.pop(call.call_id, None) or Waiter(call.call_id, since, call.vip_level)
        self._answers[call.queue].append(passes(waiter, line.values()))

    async def keep(self, picture: QueuePicture) -> bool:
        """One round: bring the queues of this picture into order. True: priorities were changed."""
        await self._learn([caller.call_id for caller in picture.waiting])
        now = self._now(picture)
        self._lines = {}
        to_tell: list[tuple[Waiting, int]] = []
        for queue, callers in groupby(picture.waiting, key=lambda caller: caller.queue):
            placed = list(callers)
            line = [
                Waiter(caller.call_id, place.since.timestamp(), place.vip_level)
                for caller in placed
                if (place := self._places.get(caller.call_id)) is not None
            ]
            self._lines[queue] = {waiter.call_id: waiter for waiter in line}
            order = in_turn(line, self._answers[queue], self._rules, now)
            to_tell += changes(placed, [waiter.call_id for waiter in order])
        return await self._tell(to_tell)

    def _now(self, picture: QueuePicture) -> float:
        """The moment of the picture by the clock of the places, which is the PBX's and may differ from ours.

        Who joined just once joined as long ago as they have waited; a kept place is older than that.
        """
        moments = [
            (self._places[caller.call_id].since + (picture.at - caller.joined_at)).timestamp()
            for caller in picture.waiting
            if caller.call_id in self._places
        ]
        return max(moments, default=picture.at.timestamp())

    async def _learn(self, call_ids: Sequence[str]) -> None:
        self._places = {i: self._places[i] for i in call_ids if i in self._places}
        if strangers := set(call_ids) - self._places.keys():
            try:
                self._places |= await self._places_of(strangers)
            except DatabaseTrouble as error:
                log.warning("New callers stay where they are.", action="places_unread", reason=str(error))

    async def _tell(self, to_tell: Sequence[tuple[Waiting, int]]) -> bool:
        told = False
        for caller, priority in to_tell:
            try:
                await self._pbx.action(
                    "QueueChangePriorityCaller",
                    Queue=caller.queue,
                    Caller=caller.channel,
                    Priority=str(priority),
                    Immediate="yes",
                )
            except (AmiRefused, BadAmiValue):  # hung up or answered meanwhile; a channel that cannot be named
                continue
            except (AmiCut, AmiLate) as error:
                log.warning("The queue keeps its order.", action="priorities_untold", reason=str(error))
                return True  # what was done is not known: only a new picture tells
            told = True
        return told
