"""The desks of all operators at this moment: joins everything that they show, and wakes whoever watches.

Built from memory only: call events as they are told (`Frame.publish`), the operators' presence, the picture
of the queues. A phone that rings is on its operator's desk in the same turn of the event loop in which the
PBX's event was read; the ledger's commit would come 30 ms later as a rule and 120 ms later for one call in a
hundred (`bench/bench_desk.py`), and much later while the database is slow. Knows no web and no PBX.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from cti.desk.calls import DeskCalls
from cti.desk.context import Contexts
from cti.desk.hub import Hub
from cti.desk.snapshot import (
    Colleague,
    DeskSnapshot,
    Me,
    Pop,
    QueueFigure,
    Reminder,
    pop_of,
)
from cti.operators.legs import Asking
from cti.waiting.queues import QueuePicture
from tickets.presence import OperatorState
from tickets.sight import Sight
from tickets.vocabulary import PhoneChoice, Presence

log = structlog.get_logger()

TALLY_S = 15.0  # between two looks at missed calls and reminders
TALLY_CALM_S = 5.0  # the same while many calls are missed
TICK_S = 1.0


class Presences(Protocol):
    """The keeper of the operators' presence, as the desks need it."""

    on_change: list[Callable[[str], None]]

    def state_of(self, extension: str) -> OperatorState | None: ...
    def desk_open(self, extension: str) -> None: ...
    def desk_closed(self, extension: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose desk it is."""

    login: str
    extension: str
    name: str
    sight: Sight


@dataclass(frozen=True, slots=True)
class Tally:
    """What lies on a desk beside the calls."""

    missed: int = 0
    reminders: Sequence[Reminder] = ()


class DeskCentre:
    """All desks. Used from one event loop."""

    def __init__(
        self,
        presences: Presences,
        picture: Callable[[], QueuePicture | None],
        make_contexts: Callable[[Callable[[str], None]], Contexts],
        tally: Callable[[Owner], Awaitable[Tally]],
        people: Callable[[], Mapping[str, str]],
        serves: Callable[[str], Iterable[str]],
        show_number: Callable[[str], str],
        consulting: Callable[[str], Asking | None],
        language: str,
        clock: Callable[[], datetime],
        tools: Callable[[str], Sequence[str] | None] = lambda call_id: None,
    ) -> None:
        """
        Args:
            picture: of the queues; None while the PBX cannot be asked.
            make_contexts: given what to tell of a call of which more is known.
            tally: missed calls and reminders of one desk; errors leave the old ones standing.
            people: extension → name, of all operators.
            serves: the queues of a phone, beside those that its owner sees and those in which the PBX has it.
            consulting: by call id, who is being asked while the caller waits.
            language: of callers of whom no other is known, BCP 47.
            tools: by call id, what the call's PBX does at our word; None: everything.
        """
        self._presences, self._picture, self._tally = presences, picture, tally
        self._people, self._serves, self._show_number = people, serves, show_number
        self._consulting, self._language, self._clock = consulting, language, clock
        self._tools = tools
        self._operators: list[Colleague] | None = None  # None: somebody is another than before
        self._tallies: dict[Owner, Tally] = {}
        self._tally_now = asyncio.Event()
        self.calls = DeskCalls(
            presences.state_of,
            make_contexts,
            consulting,
            clock,
            wake=self._wake,
            talks_changed=self._wake_all_calmly,
            nobody_took_it=self._tally_now.set,
        )
        self.hub: Hub[Owner] = Hub(lambda owner: self.snapshot(owner).json())
        presences.on_change.append(self.presence_changed)

    @contextmanager
    def watching(self, owner: Owner) -> Iterator[None]:
        """While inside, the desk counts as open."""
        self._presences.desk_open(owner.extension)
        try:
            with self.hub.watching(owner):
                self._tally_now.set()
                yield
        finally:
            self._presences.desk_closed(owner.extension)

    def snapshot(self, owner: Owner) -> DeskSnapshot:
        """The desk of this moment."""
        picture, tally = self._picture(), self._tallies.get(owner, Tally())
        return DeskSnapshot(
            now=self._clock(),
            me=self._me(owner, picture),
            call=self._pop(owner),
            queues=self._queues(owner, picture),
            missed=tally.missed,
            reminders=tally.reminders,
            colleagues=[one for one in self._everybody(picture) if one.extension != owner.extension],
        )

    def presence_changed(self, extension: str) -> None:
        """An operator's presence or phone is another."""
        self.calls.presence_changed(extension)
        self._wake(extension)
        self._wake_all_calmly()

    def queues_changed(self) -> None:
        """There is a newer picture of the queues."""
        if (picture := self._picture()) is not None:
            self.calls.correct_rings(picture)
        self._wake_all_calmly()

    async def run(self) -> None:
        """What time brings, until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._keep_tallies())
                while True:
                    await asyncio.sleep(TICK_S)
                    self.calls.tick(time.monotonic())
        finally:
            await self.calls.contexts.close()

    def _pop(self, owner: Owner) -> Pop | None:
        extension = owner.extension
        call_id = self.calls.on_desk(extension)
        if call_id is None or (stands := self.calls.kept[call_id].standing(extension)) is None:
            return None
        picture = self.calls.kept[call_id].story.picture
        return pop_of(
            call_id,
            picture,
            stands,
            self.calls.contexts.of(call_id),
            sight=owner.sight,
            number_shown=self._show_number(picture.number or picture.number_raw),
            language=picture.language or self._language,
            extension=extension,
            asking=self._consulting(call_id),
            tools=self._tools(call_id),
        )

    def _me(self, owner: Owner, picture: QueuePicture | None) -> Me:
        state = self._presences.state_of(owner.extension)
        if state is None:
            presence = self._presence(owner.extension, picture)
            return Me(owner.extension, owner.name, presence, None, None, None, PhoneChoice.OWN.value)
        return Me(
            owner.extension,
            owner.name,
            state.presence.value,
            state.reason,
            state.since,
            state.until,
            state.phone.value,
        )

    def _presence(self, extension: str, picture: QueuePicture | None) -> str:
        if (state := self._presences.state_of(extension)) is not None:
            return state.presence.value
        # Nobody has set anything: it is as the PBX has it.
        there = picture is not None and any(
            seat.there for seat in picture.seats if seat.operator == extension
        )
        return (Presence.READY if there else Presence.AWAY).value

    def _everybody(self, picture: QueuePicture | None) -> list[Colleague]:
        """All operators: the same for all desks, and looked at again only after a change."""
        if self._operators is None:
            self._operators = [
                Colleague(extension, name, self._presence(extension, picture), self.calls.talks(extension))
                for extension, name in sorted(self._people().items())
            ]
        return self._operators

    def _queues(self, owner: Owner, picture: QueuePicture | None) -> list[QueueFigure]:
        names = owner.sight.queues | set(self._serves(owner.extension))
        if picture is None:
            return [QueueFigure(name, 0, None) for name in sorted(names)]
        names |= {seat.queue for seat in picture.seats if seat.operator == owner.extension}
        joined: dict[str, list[datetime]] = {name: [] for name in sorted(names)}
        for caller in picture.waiting:
            if caller.queue in joined:
                joined[caller.queue].append(caller.joined_at)
        return [QueueFigure(name, len(times), min(times, default=None)) for name, times in joined.items()]

    def _wake(self, extension: str) -> None:
        for owner in self.hub.watched:
            if owner.extension == extension:
                self.hub.changed(owner)

    def _wake_all_calmly(self) -> None:
        self._operators = None
        for owner in self.hub.watched:
            self.hub.changed_calmly(owner)

    async def _keep_tallies(self) -> None:
        while True:
            self._tally_now.clear()
            watched = self.hub.watched
            self._tallies = {owner: self._tallies[owner] for owner in watched if owner in self._tallies}
            for owner in watched:
                await self._count(owner)
            await asyncio.sleep(TALLY_CALM_S)
            try:
                async with asyncio.timeout(TALLY_S - TALLY_CALM_S):
                    await self._tally_now.wait()
            except TimeoutError:
                pass

    async def _count(self, owner: Owner) -> None:
        try:
            tally = await self._tally(owner)
        except Exception as error:  # the database is away: the old figures stay
            log.warning("A desk's tally is old.", action="desk_uncounted", error=type(error).__name__)
            return
        if tally != self._tallies.get(owner, Tally()):
            self._tallies[owner] = tally
            self.hub.changed_calmly(owner)
