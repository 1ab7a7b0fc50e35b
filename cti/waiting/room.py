"""Tells waiting callers their place and expected wait: reckons for each, and gives their channel the code.

What a code does is told in `ivr/waiting_voice.py`. Knows the picture of the queues and the measured talks; no
web, no menu. Whatever fails here, the caller keeps their place and hears the plain announcement.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from cti.asterisk.ami import AmiCut, AmiLate, AmiRefused, AmiReply, BadAmiValue
from cti.asterisk.events import AmiEvent, MusicStopped
from cti.waiting.expected_wait import cycle_seconds, expected_seconds, minutes_to_say, steadied
from cti.waiting.queues import QueuePicture, Waiting
from ivr.waiting_words import Announcement
from tickets.database import DatabaseTrouble
from tickets.talks import Talk

log = structlog.get_logger()

MEASURED_OVER = timedelta(hours=1)
MEASURE_EVERY_S = 30.0
CHANGE_EVERY_S = 15.0  # a caller's code; they hear one announcement in 45 s
AT_ONCE = 8  # actions on their way to the PBX


class SetsVariables(Protocol):
    """The part of `AmiLink` that is needed here; its own deadline holds."""

    async def action(self, name: str, /, **fields: str) -> AmiReply: ...


class Voice(Protocol):
    """The part of `WaitingVoices` that is needed here."""

    async def make(self, announcement: Announcement, call_id: str) -> str | None: ...


class Bulletin(Protocol):
    """The incident that callers are to hear, while there is one."""

    def for_waiting(self, call_id: str) -> int | None:
        """The incident's number, if this caller has not heard of it."""
        ...

    def heard(self, call_id: str, number: int) -> None:
        """This caller has heard of that incident now."""
        ...


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known of a waiting caller's wait."""

    place: int
    seconds: float | None  # still to wait; None: too little was measured

    @property
    def minutes(self) -> int | None:
        """As it is said, see `ivr.waiting_words`."""
        return None if self.seconds is None else minutes_to_say(self.seconds)


@dataclass(slots=True)
class _Guest:
    """What we remember of a waiting caller."""

    outlook: Outlook
    code: str = ""
    coded_at: float | None = None  # seconds of a clock that nobody sets
    said_seconds: float | None = None  # by the code
    incident: int | None = None  # that the code tells of
    offer: bool = False  # the code offers a call-back
    offered_at: float | None = None
    retold: bool = False  # the code is to be changed without delay


class WaitingRoom:
    """One per PBX. `outlook` is for the live page, `run` for the callers."""

    def __init__(
        self,
        pbx: SetsVariables,
        next_picture: Callable[[], Awaitable[QueuePicture | None]],
        talks_since: Callable[[datetime], Awaitable[Sequence[Talk]]],
        voice: Voice | None,
        offers: Callable[[Waiting, datetime], bool],
        offer_every_s: float,
        bulletin: Bulletin,
        clock: Callable[[], datetime],
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            pbx: the AMI link.
            next_picture: waits for the next picture of the queues, `QueueWatch.next`.
            talks_since: the measured talks, `TalkBook.since`.
            voice: makes announcements; None: the scenario has no words for them.
            offers: whether this caller is offered a call-back by now.
            offer_every_s: between two offers to one caller.
            bulletin: the incident of the moment.
            clock: now, aware.
            seconds: of a clock that nobody sets.
        """
        self._pbx, self._next_picture, self._talks_since = pbx, next_picture, talks_since
        self._voice, self._offers, self._offer_every_s = voice, offers, offer_every_s
        self._bulletin, self._clock, self._seconds = bulletin, clock, seconds
        self._cycles: dict[str, float] = {}
        self._guests: dict[str, _Guest] = {}
        self._free = asyncio.Semaphore(AT_ONCE)

    def outlook(self, call_id: str) -> Outlook | None:
        """What this caller can expect; None: they do not wait, or the PBX cannot be asked."""
        guest = self._guests.get(call_id)
        return None if guest is None else guest.outlook

    def hear(self, events: Sequence[AmiEvent]) -> None:
        """Take what AMI tells: when a caller's music stops, the announcement begins."""
        for event in events:
            if not isinstance(event, MusicStopped):
                continue
            guest = self._guests.get(event.uniqueid)
            if guest is None:
                continue
            if guest.incident is not None:
                self._bulletin.heard(event.uniqueid, guest.incident)
                guest.incident, guest.retold = None, True
            if guest.offer:
                guest.offered_at, guest.offer, guest.retold = self._seconds(), False, True

    async def run(self) -> None:
        """Measure and announce, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._measuring())
            while True:
                picture = await self._next_picture()
                if picture is None:
                    self._guests.clear()
                else:
                    await self.look(picture)

    async def _measuring(self) -> None:
        while True:
            try:
                await self.measure()
            except DatabaseTrouble as error:  # the old figures hold
                log.warning("Talks are not measured now.", action="talks_unread", reason=str(error))
            await asyncio.sleep(MEASURE_EVERY_S)

    async def measure(self) -> None:
        """Read how long talks took in the last hour.

        Raises:
            DatabaseTrouble: the ledger does not answer.
        """
        by_queue: dict[str, list[Talk]] = {}
        for talk in await self._talks_since(self._clock() - MEASURED_OVER):
            by_queue.setdefault(talk.queue, []).append(talk)
        cycles = {queue: cycle_seconds(talks) for queue, talks in by_queue.items()}
        self._cycles = {queue: cycle for queue, cycle in cycles.items() if cycle is not None}

    async def look(self, picture: QueuePicture) -> None:
        """Reckon for everybody in the picture, and give new codes to those who are due."""
        self._guests = {caller.call_id: self._reckoned(caller, picture) for caller in picture.waiting}
        if self._voice is None:
            return
        due = [caller for caller in picture.waiting if self._due(self._guests[caller.call_id])]
        try:
            await asyncio.gather(*(self._tell(self._voice, caller) for caller in due))
        except (AmiCut, AmiLate) as error:  # the next picture brings the next try
            log.warning("Waiting callers hear no news.", action="places_untold", reason=str(error))

    def _reckoned(self, caller: Waiting, picture: QueuePicture) -> _Guest:
        seconds = expected_seconds(caller.place, picture.there(caller.queue), self._cycles.get(caller.queue))
        guest = self._guests.get(caller.call_id)
        if guest is None:
            return _Guest(Outlook(caller.place, seconds))
        if seconds is not None and guest.coded_at is not None:
            seconds = steadied(seconds, guest.said_seconds, self._seconds() - guest.coded_at)
        guest.outlook = Outlook(caller.place, seconds)
        return guest

    def _due(self, guest: _Guest) -> bool:
        if guest.coded_at is None or guest.retold:
            return True
        return self._seconds() - guest.coded_at >= CHANGE_EVERY_S

    async def _tell(self, voice: Voice, caller: Waiting) -> None:
        guest = self._guests[caller.call_id]
        outlook, incident = guest.outlook, self._bulletin.for_waiting(caller.call_id)
        offer = self._may_offer(guest) and self._offers(caller, self._clock())
        told = Announcement(outlook.place, outlook.minutes, offer, incident)
        code = await voice.make(told, caller.call_id)
        if code is None or code == guest.code:
            return
        async with self._free:
            try:
                await self._pbx.action(
                    "Setvar", Channel=caller.channel, Variable="CHANNEL(language)", Value=code
                )
            except (AmiRefused, BadAmiValue):
                return  # left the queue at this moment, or on a channel that cannot be named
        guest.code, guest.coded_at, guest.said_seconds = code, self._seconds(), outlook.seconds
        guest.incident, guest.offer, guest.retold = incident, offer, False

    def _may_offer(self, guest: _Guest) -> bool:
        if guest.offered_at is None:
            return True
        return self._seconds() - guest.offered_at >= self._offer_every_s
