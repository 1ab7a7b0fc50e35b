"""Calls people back when it is their turn: once, also when this process dies at any moment in between.

The order is what makes it so. An attempt is on record, with the id that its channel will have, before the PBX
is asked; whoever finds it there later asks the PBX for that id, and calls again only when PBX and ledger have
known nothing of it for a while. Two nodes may run this at once: the record is made by one of them.

Knows AMI, the queues' picture and the promise list; whose turn it is, the pure `call_back_turns.py` says.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from cti.asterisk.ami import AmiCut, AmiLate, AmiRefused, AmiReply, BadAmiValue
from cti.asterisk.events import AmiEvent, ListedChannel, Originated
from cti.asterisk.translate import system_of
from cti.waiting.ageing import Waiter
from cti.waiting.call_back_turns import retry_in_s, told, verdict, whom_to_call
from cti.waiting.queues import QueuePicture
from ivr.call_back_rules import CallBackRules
from ivr.hours import is_open
from ivr.scenario import Scenario
from tickets.call_backs import CallBackBook, UnderWay
from tickets.database import DatabaseTrouble
from tickets.places import Place
from tickets.promise import Attempt, Promise, is_attempt
from tickets.vocabulary import AttemptResult

log = structlog.get_logger()

CONTEXT = "presszero-call-back"  # of our dialplan: where the person is brought who answers
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_LINE = re.compile(r"\+?[0-9]{2,15}")
_ENDPOINT = re.compile(r"[0-9A-Za-z_.-]{1,64}")
MESSAGES_EVERY_S = 10.0
ALL_MESSAGES_EVERY_S = 3600.0  # also those that were found late
LATELY = timedelta(days=2)
FORSAKEN = timedelta(hours=1)  # an attempt of another PBX, of which nothing has been heard since
STALE_S = 5.0  # from record to call; much less than `call_back_turns.MISSING_S`


class CallsPeople(Protocol):
    """The part of `AmiLink` that is needed here; its own deadlines hold."""

    async def list_action(self, name: str, /) -> list[AmiEvent]: ...

    async def action(self, name: str, /, **fields: str | Sequence[str]) -> AmiReply: ...


async def _nobody_knows(call_id: str) -> str | None:
    return None


class CallBacks:
    """One per PBX and node."""

    def __init__(
        self,
        pbx: CallsPeople,
        picture: Callable[[], QueuePicture | None],
        book: CallBackBook,
        list_messages: Callable[[datetime | None], Awaitable[int]],
        places_of: Callable[[Collection[str]], Awaitable[Mapping[str, Place]]],
        scenario: Scenario,
        clock: Callable[[], datetime],
        *,
        may_call: Callable[[], bool] = lambda: True,
        language_of: Callable[[str], Awaitable[str | None]] = _nobody_knows,
        tell_language: Callable[[str, str], None] = lambda call_id, language: None,
        every_s: float = 2.0,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            pbx: the AMI link.
            picture: of the queues, as new as there is; None: the PBX cannot be asked.
            book: the promises and attempts.
            list_messages: `CallBackBook.from_voicemails`, with a deadline for many calls.
            places_of: of callers on the phone, `PlaceBook.of`.
            scenario: its hours, lines, queues and rules. Without a section `call_back:` nobody is called, and
                what was promised waits for people.
            clock: now, aware.
            may_call: False once the service is ending.
            language_of: of the call in which it was promised, `SpokenBook.language_of`.
            tell_language: of the call-back, its id and its language, before it begins.
            every_s: between two looks; `hear` may shorten it.
            seconds: of a clock that nobody sets.
        """
        self._pbx, self._picture, self._book, self._places_of = pbx, picture, book, places_of
        self._list_messages = list_messages
        self._scenario, self._clock = scenario, clock
        self._rules = scenario.call_back or CallBackRules()
        self._calls_back = scenario.call_back is not None
        self._may_call, self._every_s, self._seconds = may_call, every_s, seconds
        self._language_of, self._tell_language = language_of, tell_language
        self._said: dict[str, AttemptResult] = {}  # of attempts that reached nobody
        self._missing: dict[str, float] = {}  # attempts that the PBX does not have, since when
        self._listed_all: float | None = None  # when
        self._news = asyncio.Event()
        self._trouble: str | None = None

    def hear(self, events: Iterable[AmiEvent]) -> None:
        """Take what AMI tells; only what the PBX says of an Originate matters."""
        for event in events:
            if isinstance(event, Originated) and is_attempt(event.uniqueid):  # others originate too
                if (result := told(event)) is not None:
                    self._said[event.uniqueid] = result
                self._news.set()

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listing_messages())
            tasks.create_task(self._looking())

    async def _looking(self) -> None:
        while True:
            self._news.clear()
            try:
                await self.look()
                self._trouble = None
            except (AmiCut, AmiLate, AmiRefused, DatabaseTrouble) as error:
                self._missing.clear()  # what was not seen for lack of sight is not missing
                if self._trouble is None:
                    log.warning("Nobody is called back now.", action="call_backs_wait", reason=str(error))
                self._trouble = str(error)
            except Exception:  # of one round; the promises stand, and the next round may do better
                log.exception("A look at the promises failed.", action="call_backs_failed")
            try:
                async with asyncio.timeout(self._every_s):
                    await self._news.wait()
            except TimeoutError:
                pass

    async def look(self) -> None:
        """One round: what was kept, what became of attempts, whose turn it is.

        Raises:
            AmiCut, AmiLate, AmiRefused: the PBX does not answer.
            DatabaseTrouble: the list does not.
        """
        await self._book.settle()
        if under_way := await self._book.under_way():
            await self._follow(under_way, await self._system())
        if due := await self._due():
            system = await self._system()
            # What was promised at another PBX, its own node keeps.
            due = [promise for promise in due if system_of(promise.call_id) == system]
            # Read after `due`: whom another node calls at this moment is no more in that, but in this.
            under_way = _made_by(system, await self._book.under_way())
            for promise in await self._whose_turn(due, under_way):
                await self._call(promise, system)

    async def list_messages(self) -> None:
        """Put on the list who left a message: lately, and now and then ever. Raises DatabaseTrouble."""
        now = self._seconds()
        if self._listed_all is None or now - self._listed_all >= ALL_MESSAGES_EVERY_S:
            await self._list_messages(None)
            self._listed_all = now
        else:
            await self._list_messages(self._clock() - LATELY)

    async def _listing_messages(self) -> None:
        """Beside the calls: to look at all calls of years takes a while."""
        trouble = False
        while True:
            try:
                await self.list_messages()
                trouble = False
            except DatabaseTrouble as error:
                if not trouble:
                    log.warning("Messages are not listed now.", action="messages_wait", reason=str(error))
                trouble = True
            except Exception:  # of one round, see `_looking`
                log.exception("Messages could not be listed.", action="messages_failed")
            await asyncio.sleep(MESSAGES_EVERY_S)

    async def _system(self) -> str:
        return (await self._pbx.action("CoreSettings")).fields.get("systemname", "")

    async def _follow(self, all_under_way: Sequence[UnderWay], system: str) -> None:
        under_way = _made_by(system, all_under_way)
        await self._forsake(one for one in all_under_way if one not in under_way)
        channels = await self._pbx.list_action("CoreShowChannels")
        there = {channel.uniqueid for channel in channels if isinstance(channel, ListedChannel)}
        now = self._seconds()
        ids = {one.attempt.call_id for one in under_way}
        self._missing = {i: self._missing.get(i, now) for i in ids - there}
        self._said = {i: result for i, result in self._said.items() if i in ids}
        for one in under_way:
            call_id = one.attempt.call_id
            result = verdict(
                one,
                on_the_line=call_id in there,
                said=self._said.get(call_id),
                missing_s=now - self._missing.get(call_id, now),
            )
            if result is not None:
                await self._failed(one.attempt, result)

    async def _forsake(self, others: Iterable[UnderWay]) -> None:
        """Another PBX's node follows its attempts. Should there be none any more, a person takes over."""
        long_ago = self._clock() - FORSAKEN
        for one in others:
            if one.call_state is None and one.attempt.started_at < long_ago:
                await self._book.fail(one.attempt, AttemptResult.UNKNOWN, None)

    async def _failed(self, attempt: Attempt, result: AttemptResult) -> None:
        again_in_s = retry_in_s(result, attempt.number, self._rules)
        if await self._book.fail(attempt, result, again_in_s):
            log.info(
                "A call-back reached nobody.",
                action="call_back_failed",
                call_id=attempt.call_id,
                result=result,
                again_in_s=again_in_s,
            )

    async def _due(self) -> list[Promise]:
        open_now = is_open(self._clock(), self._scenario.hours, self._scenario.timezone)
        if not (self._calls_back and open_now and self._may_call()):
            return []
        return [self._in_its_queue(promise) for promise in await self._book.due()]

    def _in_its_queue(self, promise: Promise) -> Promise:
        # A queue that the scenario has no more is answered for by the first one.
        known = promise.queue in self._scenario.queues
        return promise if known else replace(promise, queue=self._scenario.default_queue)

    async def _whose_turn(self, due: Sequence[Promise], under_way: Sequence[UnderWay]) -> list[Promise]:
        if (picture := self._picture()) is None:
            return []
        places = await self._places_of([caller.call_id for caller in picture.waiting])
        waiting: dict[str, list[Waiter]] = {}
        for caller in picture.waiting:
            place = places.get(caller.call_id) or Place(caller.joined_at, 0)
            waiter = Waiter(caller.call_id, place.since.timestamp(), place.vip_level)
            waiting.setdefault(caller.queue, []).append(waiter)
        now = self._clock().timestamp()
        calling = [replace(one, promise=self._in_its_queue(one.promise)) for one in under_way]
        return whom_to_call(due, waiting, picture.seats, calling, self._scenario.vip, now)

    async def _call(self, promise: Promise, system: str) -> None:
        trunk = (await self._pbx.action("Getvar", Variable="PZ_TRUNK")).fields.get("value", "")
        language = await self._language(promise)
        began = self._seconds()
        attempt = await self._book.begin(promise.id, system)
        if attempt is None:
            return
        if self._seconds() - began > STALE_S:
            return  # this process was frozen: another may take the attempt for lost by now, and call
        try:
            self._tell_language(attempt.call_id, language)
            await self._originate(promise, attempt, trunk, language)
        except (AmiRefused, BadAmiValue, ValueError) as error:
            log.warning(
                "The PBX does not call back: compare its files with `presszero pbx config`.",
                action="call_back_refused",
                call_id=attempt.call_id,
                reason=str(error),
            )
            await self._failed(attempt, AttemptResult.FAILED)
        except (AmiCut, AmiLate):
            pass  # perhaps it rings, perhaps not: `_follow` asks the PBX
        else:
            log.info("Calling back.", action="call_back", call_id=attempt.call_id, attempt=attempt.number)

    async def _originate(self, promise: Promise, attempt: Attempt, trunk: str, language: str) -> None:
        number, line = promise.number or "", promise.line or self._scenario.lines[0]
        # The only way from the list into a dial string.
        if not _E164.fullmatch(number) or not _LINE.fullmatch(line) or not _ENDPOINT.fullmatch(trunk):
            raise ValueError("the number, the line or the PBX's PZ_TRUNK cannot be dialled")
        picture = self._picture()
        ahead = [caller.priority for caller in picture.waiting] if picture else []
        await self._pbx.action(
            "Originate",
            Channel=f"PJSIP/{number}@{trunk}",
            ChannelId=attempt.call_id,
            Context=CONTEXT,
            Exten="s",
            Priority="1",
            CallerID=line,
            Timeout=str(self._rules.ring_s * 1000),
            Variable=[
                f"PZ_NUMBER={number}",
                f"PZ_LINE={line}",
                f"PZ_QUEUE={promise.queue}",
                f"PZ_SINCE={int(promise.place_since.timestamp())}",
                f"PZ_PRIORITY={max(ahead, default=0) + 1}",  # to the front: their turn has come
                f"PZ_LANGUAGE={language}",
            ],
            Async="true",
        )

    async def _language(self, promise: Promise) -> str:
        """In which the person is greeted; one that the scenario has no more is nobody's."""
        try:
            told = await self._language_of(promise.call_id)
        except DatabaseTrouble:  # better in another language than not at all
            told = None
        return told if told in self._scenario.spoken_languages else self._scenario.language


def _made_by(system: str, under_way: Iterable[UnderWay]) -> list[UnderWay]:
    """The attempts of the PBX of that name."""
    return [one for one in under_way if system_of(one.attempt.call_id) == system]
