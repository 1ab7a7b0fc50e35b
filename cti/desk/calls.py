"""The calls of this moment as the desks show them: which call is on whose desk, and when it is put away.

Used from one event loop. Knows no queue's figures, no web and no PBX.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cti.desk.context import Contexts
from cti.desk.snapshot import standing
from cti.desk.story import CallPicture, Story
from cti.operators.legs import Asking
from cti.waiting.queues import QueuePicture
from tickets.call_ids import vendor_of
from tickets.events import CallEvent
from tickets.ledger import CallChange
from tickets.presence import OperatorState
from tickets.vocabulary import EventKind, Presence

MOST_CALLS = 5000  # at once; beyond, the oldest are forgotten
KEPT_S = 60.0  # the pop of a call that is over, where no wrap-up says how long
RING_S = 120.0  # no phone rings longer: what ended it was not heard
SURE_S = 2.0  # a picture of the queues so much younger than the ring knows whether the phone rings

_AFTERWARDS = frozenset({EventKind.RECORDED, EventKind.FOUND, EventKind.ENDED})
_RANKS = {"talking": 3, "held": 3, "asked": 3, "ringing": 2, "wrap_up": 1}


@dataclass(slots=True)
class _Wrap:
    until: float  # monotonic
    in_wrap_up: bool  # the operator's presence has said so


@dataclass(slots=True)
class Kept:
    """One call, and whose desks show it."""

    story: Story
    shown: set[str] = field(default_factory=set)  # operators whose desks may show it
    gone: set[str] = field(default_factory=set)  # operators whose desks have put it away
    heard: dict[str, float] = field(default_factory=dict)  # phone that rings → since, monotonic
    wraps: dict[str, _Wrap] = field(default_factory=dict)
    asking: Asking | None = None  # who is being asked about it
    asked_at: datetime | None = None  # when that became so: they are rung, or have answered
    customer_id: int | None = None  # as the ledger has linked it

    def standing(self, extension: str) -> tuple[str, datetime] | None:
        """See `snapshot.standing`; a colleague who is asked has it too, until they are asked no more."""
        asked = None
        if self.asking is not None and self.asked_at is not None and self.asking.whom == extension:
            asked = ("asked" if self.asking.answered else "ringing", self.asked_at)
        return standing(self.story.picture, extension, asked)


class DeskCalls:
    """All calls that desks show, or will."""

    def __init__(
        self,
        state_of: Callable[[str], OperatorState | None],
        make_contexts: Callable[[Callable[[str], None]], Contexts],
        consulting: Callable[[str], Asking | None],
        clock: Callable[[], datetime],
        *,
        wake: Callable[[str], None],
        talks_changed: Callable[[], None],
        nobody_took_it: Callable[[], None],
    ) -> None:
        """
        Args:
            state_of: an operator's presence, by extension.
            make_contexts: given what to tell of a call of which more is known.
            consulting: by call id, who is being asked while the caller waits.
            wake: is told the extension whose desk is another than before.
            talks_changed: is told that somebody has begun or ended to talk.
            nobody_took_it: is told that a call has ended without an operator.
        """
        self._state_of, self._consulting, self._clock = state_of, consulting, clock
        self._wake, self._talks_changed, self._nobody_took_it = wake, talks_changed, nobody_took_it
        self.contexts = make_contexts(self.call_changed)
        self.kept: OrderedDict[str, Kept] = OrderedDict()
        self._over: dict[str, None] = {}  # calls that ended a while ago: what is told of them late is no news
        self._phones: dict[str, set[str]] = {}  # extension → calls that its desk may show

    def hear(self, event: CallEvent) -> None:
        """Something happens to a call, now."""
        kept = self.kept.get(event.call_id)
        if kept is None:
            if event.kind in _AFTERWARDS or event.call_id in self._over:
                return
            kept = self.kept[event.call_id] = Kept(Story())
            while len(self.kept) > MOST_CALLS:
                self._forget(next(iter(self.kept)))
        before, talked = kept.story.picture.operators | kept.shown, set(kept.story.picture.talks)
        if not kept.story.tell(event):
            return
        after = kept.story.picture
        told = {str(event.data.get(name)) for name in ("operator", "to")}
        kept.gone -= told & (after.rings.keys() | after.talks.keys())
        self._follow(event.call_id, kept)
        if after.wanted and not after.ended:
            self.contexts.want(event.call_id, after.number, kept.customer_id or after.customer_id)
        for extension in before | after.operators:
            self._wake(extension)
        if talked != set(after.talks):
            self._talks_changed()
        self._let_go_if_over(event.call_id, kept)
        if after.ended and not after.left:
            self._nobody_took_it()  # perhaps

    def committed(self, changes: Sequence[CallChange]) -> None:
        """The ledger has it: tickets and customers are linked."""
        for change in changes:
            kept = self.kept.get(change.call.call_id)
            if kept is None or not kept.story.picture.wanted:
                continue
            if change.call.customer_id != kept.customer_id:
                kept.customer_id = change.call.customer_id
                self.contexts.want(change.call.call_id, kept.story.picture.number, kept.customer_id)
            self.contexts.has_ticket(change.call.call_id, f"PZ-{1000 + change.ticket_number}")

    def call_changed(self, call_id: str) -> None:
        """More is known of a call, or a colleague is asked about it, or no more."""
        if (kept := self.kept.get(call_id)) is not None:
            before = kept.shown
            self._follow(call_id, kept)
            for extension in before | kept.shown | kept.story.picture.operators:
                self._wake(extension)

    def ticket_changed(self, ticket: str) -> None:
        """A person has changed a ticket: if it is a live call's, who calls may be somebody else."""
        for call_id in self.kept:
            if self.contexts.of(call_id).ticket == ticket:
                self.contexts.look_again(call_id)

    def customer_changed(self, customer_id: int) -> None:
        """A person has changed a card."""
        for call_id in self.kept:
            context = self.contexts.of(call_id)
            shown = {one.id for one in context.candidates}
            if context.customer is not None:
                shown.add(context.customer.id)
            if customer_id in shown:
                self.contexts.look_again(call_id)

    def presence_changed(self, extension: str) -> None:
        """An operator's presence is another: with a wrap-up goes its call."""
        state = self._state_of(extension)
        in_wrap_up = state is not None and state.presence is Presence.WRAP_UP
        for call_id in list(self._phones.get(extension, ())):
            kept = self.kept[call_id]
            if (wrap := kept.wraps.get(extension)) is None:
                continue
            if in_wrap_up:
                wrap.in_wrap_up = True
            elif wrap.in_wrap_up:
                self._put_away(call_id, kept, extension)

    def tick(self, now: float) -> None:
        """Put away what is over. `now`: monotonic seconds."""
        for call_id, kept in list(self.kept.items()):
            # Who is asked is told by the PBX, except after a cut link or a restart of ours.
            if not kept.story.picture.ended and kept.asking != self._consulting(call_id):
                self.call_changed(call_id)
            late = {one for one, wrap in kept.wraps.items() if not wrap.in_wrap_up and now >= wrap.until}
            late |= {one for one, since in kept.heard.items() if now - since >= RING_S}
            for extension in late:
                self._put_away(call_id, kept, extension)

    def correct_rings(self, picture: QueuePicture) -> None:
        """A phone that the PBX says is free does not ring, though we did not hear that it stopped."""
        sure_before = time.monotonic() - (self._clock() - picture.at).total_seconds() - SURE_S
        free: dict[str, bool] = {}
        for seat in picture.seats:
            if seat.there:
                free[seat.operator] = free.get(seat.operator, True) and seat.free
        for extension in [one for one in self._phones if free.get(one)]:
            for call_id in list(self._phones[extension]):
                kept = self.kept[call_id]
                since = kept.heard.get(extension)
                elsewhere = vendor_of(call_id) is not None  # another PBX rings there
                if since is not None and since < sure_before and not elsewhere:
                    self._put_away(call_id, kept, extension)

    def on_desk(self, extension: str) -> str | None:
        """The call that matters most to this operator now."""
        best: tuple[int, datetime, str] | None = None
        for call_id in self._phones.get(extension, ()):
            stands = self.kept[call_id].standing(extension)
            if stands is not None:
                mark = (_RANKS[stands[0]], stands[1], call_id)
                best = mark if best is None else max(best, mark)
        return best[2] if best is not None else None

    def picture_of(self, call_id: str) -> CallPicture | None:
        """What the phones have of a live call."""
        kept = self.kept.get(call_id)
        return kept.story.picture if kept is not None else None

    def talks(self, extension: str) -> bool:
        """Whether the operator has a caller."""
        calls = (self.kept[call_id] for call_id in self._phones.get(extension, ()))
        return any(extension in kept.story.picture.talks for kept in calls)

    def _follow(self, call_id: str, kept: Kept) -> None:
        """Keep the books on who shows the call, and since when."""
        picture, now = kept.story.picture, time.monotonic()
        wraps = {one for one in picture.left if one not in picture.talks and one not in picture.rings}
        # What the PBX's records tell of calls that ended while we were away is not what operators work on.
        long_ago = self._clock() - timedelta(seconds=KEPT_S)
        kept.gone |= {one for one in wraps - kept.wraps.keys() if picture.left[one] < long_ago}
        asking = None if picture.ended else self._consulting(call_id)
        if asking != kept.asking:
            kept.asking, kept.asked_at = asking, self._clock()
        shows = picture.operators - kept.gone | ({asking.whom} if asking else set())
        for extension in kept.shown - shows:
            self._drop_phone(extension, call_id)
        for extension in shows - kept.shown:
            self._phones.setdefault(extension, set()).add(call_id)
        kept.shown = shows
        kept.heard = {one: kept.heard.get(one, now) for one in picture.rings}
        for one in kept.wraps.keys() - wraps:
            del kept.wraps[one]
        for one in wraps - kept.wraps.keys() - kept.gone:
            state = self._state_of(one)
            in_wrap_up = state is not None and state.presence is Presence.WRAP_UP
            kept.wraps[one] = _Wrap(now + KEPT_S, in_wrap_up)

    def _put_away(self, call_id: str, kept: Kept, extension: str) -> None:
        kept.gone.add(extension)
        kept.wraps.pop(extension, None)
        kept.heard.pop(extension, None)
        kept.shown.discard(extension)
        self._drop_phone(extension, call_id)
        self._wake(extension)
        self._let_go_if_over(call_id, kept)

    def _let_go_if_over(self, call_id: str, kept: Kept) -> None:
        picture = kept.story.picture
        if picture.ended and picture.operators <= kept.gone:
            self._forget(call_id)
            self._over[call_id] = None
            while len(self._over) > MOST_CALLS:
                del self._over[next(iter(self._over))]

    def _forget(self, call_id: str) -> None:
        kept = self.kept.pop(call_id)
        for extension in kept.shown:
            self._drop_phone(extension, call_id)
            self._wake(extension)
        self.contexts.forget(call_id)

    def _drop_phone(self, extension: str, call_id: str) -> None:
        if (calls := self._phones.get(extension)) is not None:
            calls.discard(call_id)
            if not calls:
                del self._phones[extension]
