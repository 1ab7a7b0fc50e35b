"""The desks of all operators at this moment: hears of everything that they show, and wakes whoever watches.

Built from memory only: call events as they are told (`Frame.publish`), the operators' presence, the picture
of the queues. A phone that rings is on its operator's desk in the same turn of the event loop in which the
PBX's event was read; the ledger's commit would come 30 ms later as a rule and 120 ms later for one call in a
hundred (`bench/bench_desk.py`), and much later while the database is slow. Knows no web and no PBX.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import structlog

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
    standing,
)
from cti.desk.story import Story
from cti.waiting.queues import QueuePicture
from tickets.events import CallEvent
from tickets.ledger import CallChange
from tickets.presence import OperatorState
from tickets.sight import Sight
from tickets.vocabulary import EventKind, PhoneChoice, Presence

log = structlog.get_logger()

MOST_CALLS = 5000  # at once; beyond, the oldest are forgotten
KEPT_S = 60.0  # the pop of a call that is over, where no wrap-up says how long
RING_S = 120.0  # no phone rings longer: what ended it was not heard
SURE_S = 2.0  # a picture of the queues so much younger than the ring knows whether the phone rings
TALLY_S = 15.0  # between two looks at missed calls and reminders
TALLY_CALM_S = 5.0  # the same while many calls are missed
TICK_S = 1.0

_AFTERWARDS = frozenset({EventKind.RECORDED, EventKind.FOUND, EventKind.ENDED})
_RANKS = {"talking": 3, "held": 3, "ringing": 2, "wrap_up": 1}


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


@dataclass(slots=True)
class _Wrap:
    until: float  # monotonic
    in_wrap_up: bool  # the operator's presence has said so


@dataclass(slots=True)
class _Kept:
    story: Story
    shown: set[str] = field(default_factory=set)  # operators whose desks may show it
    gone: set[str] = field(default_factory=set)  # operators whose desks have put it away
    heard: dict[str, float] = field(default_factory=dict)  # phone that rings → since, monotonic
    wraps: dict[str, _Wrap] = field(default_factory=dict)
    customer_id: int | None = None  # as the ledger has linked it


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
        consulting: Callable[[str], str | None],
        language: str,
        clock: Callable[[], datetime],
    ) -> None:
        """
        Args:
            picture: of the queues; None while the PBX cannot be asked.
            make_contexts: given what to tell of a call of which more is known.
            tally: missed calls and reminders of one desk; errors leave the old ones standing.
            people: extension → name, of all operators.
            serves: the queues of a phone, beside those that its owner sees and those in which the PBX has it.
            consulting: by call id, the extension that is being asked while the caller waits.
            language: of callers, BCP 47.
        """
        self._presences, self._picture, self._tally = presences, picture, tally
        self._people, self._serves, self._show_number = people, serves, show_number
        self._consulting, self._language, self._clock = consulting, language, clock
        self._contexts = make_contexts(self.call_changed)
        self._calls: OrderedDict[str, _Kept] = OrderedDict()
        self._over: dict[str, None] = {}  # calls that ended a while ago: what is told of them late is no news
        self._phones: dict[str, set[str]] = {}  # extension → calls that its desk may show
        self._operators: list[Colleague] | None = None  # None: somebody is another than before
        self._tallies: dict[Owner, Tally] = {}
        self._tally_now = asyncio.Event()
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
            call=self._pop(owner.extension),
            queues=self._queues(owner, picture),
            missed=tally.missed,
            reminders=tally.reminders,
            colleagues=[one for one in self._everybody(picture) if one.extension != owner.extension],
        )

    def hear(self, event: CallEvent) -> None:
        """Something happens to a call, now."""
        kept = self._calls.get(event.call_id)
        if kept is None:
            if event.kind in _AFTERWARDS or event.call_id in self._over:
                return
            kept = self._calls[event.call_id] = _Kept(Story())
            while len(self._calls) > MOST_CALLS:
                self._forget(next(iter(self._calls)))
        before, talked = kept.story.picture.operators, set(kept.story.picture.talks)
        if not kept.story.tell(event):
            return
        after = kept.story.picture
        told = {str(event.data.get(name)) for name in ("operator", "to")}
        kept.gone -= told & (after.rings.keys() | after.talks.keys())
        self._follow(event.call_id, kept)
        if after.wanted and not after.ended:
            self._contexts.want(event.call_id, after.number, kept.customer_id or after.customer_id)
        for extension in before | after.operators:
            self._wake(extension)
        if talked != set(after.talks):
            self._wake_all_calmly()
        self._let_go_if_over(event.call_id, kept)
        if after.ended and not after.left:
            self._tally_now.set()  # one more that nobody took, perhaps

    def committed(self, changes: Sequence[CallChange]) -> None:
        """The ledger has it: tickets and customers are linked."""
        for change in changes:
            kept = self._calls.get(change.call.call_id)
            if kept is None or not kept.story.picture.wanted:
                continue
            if change.call.customer_id != kept.customer_id:
                kept.customer_id = change.call.customer_id
                self._contexts.want(change.call.call_id, kept.story.picture.number, kept.customer_id)
            self._contexts.has_ticket(change.call.call_id, f"PZ-{1000 + change.ticket_number}")

    def call_changed(self, call_id: str) -> None:
        """More is known of a call."""
        if (kept := self._calls.get(call_id)) is not None:
            for extension in kept.story.picture.operators:
                self._wake(extension)

    def ticket_changed(self, ticket: str) -> None:
        """A person has changed a ticket: if it is a live call's, who calls may be somebody else."""
        for call_id in self._calls:
            if self._contexts.of(call_id).ticket == ticket:
                self._contexts.look_again(call_id)

    def customer_changed(self, customer_id: int) -> None:
        """A person has changed a card."""
        for call_id in self._calls:
            context = self._contexts.of(call_id)
            shown = {one.id for one in context.candidates}
            if context.customer is not None:
                shown.add(context.customer.id)
            if customer_id in shown:
                self._contexts.look_again(call_id)

    def presence_changed(self, extension: str) -> None:
        """An operator's presence or phone is another."""
        state = self._presences.state_of(extension)
        in_wrap_up = state is not None and state.presence is Presence.WRAP_UP
        for call_id in list(self._phones.get(extension, ())):
            kept = self._calls[call_id]
            if (wrap := kept.wraps.get(extension)) is None:
                continue
            if in_wrap_up:
                wrap.in_wrap_up = True
            elif wrap.in_wrap_up:
                self._put_away(call_id, kept, extension)
        self._wake(extension)
        self._wake_all_calmly()

    def queues_changed(self) -> None:
        """There is a newer picture of the queues."""
        if (picture := self._picture()) is not None:
            self._correct_rings(picture)
        self._wake_all_calmly()

    async def run(self) -> None:
        """What time brings, until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._keep_tallies())
                while True:
                    await asyncio.sleep(TICK_S)
                    self.tick(time.monotonic())
        finally:
            await self._contexts.close()

    def tick(self, now: float) -> None:
        """Put away what is over. `now`: monotonic seconds."""
        for call_id, kept in list(self._calls.items()):
            late = {one for one, wrap in kept.wraps.items() if not wrap.in_wrap_up and now >= wrap.until}
            late |= {one for one, since in kept.heard.items() if now - since >= RING_S}
            for extension in late:
                self._put_away(call_id, kept, extension)

    def _follow(self, call_id: str, kept: _Kept) -> None:
        """Keep the books on who shows the call, and since when."""
        picture, now = kept.story.picture, time.monotonic()
        wraps = {one for one in picture.left if one not in picture.talks and one not in picture.rings}
        # What the PBX's records tell of calls that ended while we were away is not what operators work on.
        long_ago = self._clock() - timedelta(seconds=KEPT_S)
        kept.gone |= {one for one in wraps - kept.wraps.keys() if picture.left[one] < long_ago}
        shows = picture.operators - kept.gone
        for extension in kept.shown - shows:
            self._drop_phone(extension, call_id)
        for extension in shows - kept.shown:
            self._phones.setdefault(extension, set()).add(call_id)
        kept.shown = shows
        kept.heard = {one: kept.heard.get(one, now) for one in picture.rings}
        for one in kept.wraps.keys() - wraps:
            del kept.wraps[one]
        for one in wraps - kept.wraps.keys() - kept.gone:
            state = self._presences.state_of(one)
            in_wrap_up = state is not None and state.presence is Presence.WRAP_UP
            kept.wraps[one] = _Wrap(now + KEPT_S, in_wrap_up)

    def _put_away(self, call_id: str, kept: _Kept, extension: str) -> None:
        kept.gone.add(extension)
        kept.wraps.pop(extension, None)
        kept.heard.pop(extension, None)
        kept.shown.discard(extension)
        self._drop_phone(extension, call_id)
        self._wake(extension)
        self._let_go_if_over(call_id, kept)

    def _let_go_if_over(self, call_id: str, kept: _Kept) -> None:
        picture = kept.story.picture
        if picture.ended and picture.operators <= kept.gone:
            self._forget(call_id)
            self._over[call_id] = None
            while len(self._over) > MOST_CALLS:
                del self._over[next(iter(self._over))]

    def _forget(self, call_id: str) -> None:
        kept = self._calls.pop(call_id)
        for extension in kept.shown:
            self._drop_phone(extension, call_id)
            self._wake(extension)
        self._contexts.forget(call_id)

    def _drop_phone(self, extension: str, call_id: str) -> None:
        if (calls := self._phones.get(extension)) is not None:
            calls.discard(call_id)
            if not calls:
                del self._phones[extension]

    def _correct_rings(self, picture: QueuePicture) -> None:
        """A phone that the PBX says is free does not ring, though we did not hear that it stopped."""
        sure_before = time.monotonic() - (self._clock() - picture.at).total_seconds() - SURE_S
        free: dict[str, bool] = {}
        for seat in picture.seats:
            if seat.there:
                free[seat.operator] = free.get(seat.operator, True) and seat.free
        for extension in [one for one in self._phones if free.get(one)]:
            for call_id in list(self._phones[extension]):
                kept = self._calls[call_id]
                since = kept.heard.get(extension)
                if since is not None and since < sure_before:
                    self._put_away(call_id, kept, extension)

    def _pop(self, extension: str) -> Pop | None:
        best: tuple[int, datetime, str] | None = None
        for call_id in self._phones.get(extension, ()):
            kept = self._calls[call_id]
            stands = standing(kept.story.picture, extension)
            if stands is not None:
                mark = (_RANKS[stands[0]], stands[1], call_id)
                best = mark if best is None else max(best, mark)
        if best is None:
            return None
        call_id = best[2]
        picture = self._calls[call_id].story.picture
        return pop_of(
            call_id,
            picture,
            extension,
            self._contexts.of(call_id),
            number_shown=self._show_number(picture.number or picture.number_raw),
            language=self._language,
            consulting=self._consulting(call_id),
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
                Colleague(extension, name, self._presence(extension, picture), self._talks(extension))
                for extension, name in sorted(self._people().items())
            ]
        return self._operators

    def _talks(self, extension: str) -> bool:
        calls = (self._calls[call_id] for call_id in self._phones.get(extension, ()))
        return any(extension in kept.story.picture.talks for kept in calls)

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
