"""Keeps what operators want to be, and the PBX in step with it.

The database has the last word of each operator, memory has it for whoever asks; the PBX is told at once and
looked at after each picture of its queues, so that a restart of either side, or a cut link, leaves nothing to
catch up with. An operator who has never set anything is as the PBX says, and is left alone.

Knows AMI's actions and the picture of the queues; no web. What follows what is in `presence.py`.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from cti.asterisk.ami import AmiCut, AmiLate
from cti.asterisk.events import AmiEvent, PresenceDialled
from cti.operators.presence import WEB, asked, call_ended, page_gone, time_passed
from cti.operators.seats import Seats, SeesQueues, TellsPbx
from tickets.database import DatabaseTrouble
from tickets.presence import OperatorState
from tickets.rows import clean_text
from tickets.vocabulary import PhoneChoice, Presence

log = structlog.get_logger()

PAGE_GONE_S = 60.0  # without a desk's page: long enough to load it anew, or for a restart of ours
LONGEST_REASON = 100  # characters
LOOK_EVERY_S = 5.0
LATE = timedelta(seconds=60)  # the PBX's clock may be another than ours
OWN_WRAP_UP_S = 60.0  # when an operator wants to write something up without a call having ended


class KeepsStates(Protocol):
    """The part of `PresenceBook` that is needed here; its own deadline holds."""

    async def all(self) -> dict[str, OperatorState]: ...

    async def put(self, states: Iterable[OperatorState]) -> None: ...


class PresenceKeeper:
    """One per PBX. `on_change` is called with the extension of whoever is another than before."""

    def __init__(
        self,
        pbx: TellsPbx,
        watch: SeesQueues,
        book: KeepsStates,
        wrap_up_s: Mapping[str, float],
        clock: Callable[[], datetime],
        *,
        page_gone_s: float = PAGE_GONE_S,
        page_phones: bool = True,
    ) -> None:
        """
        Args:
            pbx: the AMI link.
            watch: pictures of the queues.
            book: the memory of before.
            wrap_up_s: by queue; 0 or none: the next call comes at once.
            clock: now, aware.
            page_gone_s: how long the phone in the page counts as there after the page was closed.
            page_phones: False: there is no Asterisk, and phones are the virtual PBX's own.
        """
        self._watch, self._book = watch, book
        self._seats = Seats(pbx, watch, clock)
        self._wrap_up_s, self._clock = wrap_up_s, clock
        self._page_phones = page_phones
        self._page_gone = timedelta(seconds=page_gone_s)
        self._states: dict[str, OperatorState] = {}
        self._unsaved: set[str] = set()
        self._pages: Counter[str] = Counter()  # open pages by extension
        self._gone_at: dict[str, datetime] = {}  # whose last page was closed, and when that counts
        self._dialled: list[PresenceDialled] = []
        self._untold: set[str] = set()  # operators of whom the PBX has to be told
        self._came_up = True
        self._lock = asyncio.Lock()  # one change at a time
        self._news = asyncio.Event()
        self.on_change: list[Callable[[str], None]] = []

    def state_of(self, extension: str) -> OperatorState | None:
        """What this operator has set; None: nothing ever."""
        return self._states.get(extension)

    async def load(self) -> None:
        """Read the states of before.

        Raises:
            DatabaseTrouble
        """
        for state in (await self._book.all()).values():
            self._know(replace(state, phone=self._phone(state.phone)))

    async def set(self, extension: str, presence: Presence, reason: str | None = None) -> None:
        """The operator wants to be that.

        Raises:
            DatabaseTrouble: nothing was changed.
        """
        reason = clean_text(" ".join((reason or "").split()))[:LONGEST_REASON] or None
        async with self._lock:
            state = self._states.get(extension) or self._newcomer(extension)
            await self._change(asked(state, presence, reason, self._clock(), OWN_WRAP_UP_S))

    async def choose_phone(self, extension: str, phone: PhoneChoice) -> None:
        """The queues are to ring that phone. Whether the operator takes calls stays as it is.

        Raises:
            DatabaseTrouble: nothing was changed.
        """
        async with self._lock:
            state = self._states.get(extension)
            if state is None:  # it is as the PBX has it
                state = self._newcomer(extension)
                if self._seats.is_there(extension):
                    state = replace(state, presence=Presence.READY)
            await self._change(replace(state, phone=self._phone(phone)))

    def desk_open(self, extension: str) -> None:
        """A page of this operator's desk is open."""
        self._pages[extension] += 1
        self._gone_at.pop(extension, None)

    def desk_closed(self, extension: str) -> None:
        """One of them is closed."""
        self._pages[extension] -= 1
        if self._pages[extension] <= 0:
            del self._pages[extension]
            self._gone_at[extension] = self._clock() + self._page_gone
            self._news.set()

    def hear(self, events: Sequence[AmiEvent]) -> None:
        """Take what AMI tells; only what was dialled on the phones matters."""
        dialled = [event for event in events if isinstance(event, PresenceDialled)]
        if dialled:
            self._dialled += dialled
            self._news.set()

    def call_left(self, extension: str, queue: str | None, at: datetime) -> None:
        """An operator has finished with a queue's caller. Nobody writes up what is found late."""
        state = self._states.get(extension)
        if state is not None and self._clock() - at < LATE:
            self._take(call_ended(state, self._clock(), self._wrap_up_s.get(queue or "", 0)))

    def wake(self) -> None:
        """The PBX is on the line again; it may have been restarted, or used, meanwhile."""
        self._came_up = True
        self._news.set()

    async def run(self) -> None:
        """Keep time, memory and PBX, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._look())
            while True:
                try:
                    async with asyncio.timeout(self._next_s()):
                        await self._news.wait()
                except TimeoutError:
                    pass
                self._news.clear()
                async with self._lock:
                    await self.keep()

    async def keep(self) -> None:
        """Do what is due now."""
        self._pass_time()
        await self._save()
        try:
            await self._with_the_pbx()
        except (AmiCut, AmiLate) as error:  # the next round tries again
            self._log_untold(error)
        await self._save()

    async def _with_the_pbx(self) -> None:
        if self._came_up:
            await self._catch_up()
        while self._dialled:
            event = self._dialled.pop(0)
            await self._adopt(event.operator, event.interface, event.presence)
        for extension in sorted(self._untold):
            await self._tell(extension)
        await self._bring_in_step()

    def _newcomer(self, extension: str) -> OperatorState:
        """Nothing is known yet: with a phone of their own at hand that one rings, else the page's."""
        phone = PhoneChoice.OWN if self._seats.own_is_registered(extension) else PhoneChoice.PAGE
        return OperatorState(extension, Presence.AWAY, self._clock(), self._phone(phone))

    def _phone(self, phone: PhoneChoice) -> PhoneChoice:
        return phone if self._page_phones else PhoneChoice.OWN

    async def _change(self, state: OperatorState) -> None:
        await self._book.put([state])
        self._unsaved.discard(state.extension)
        self._know(state)
        try:
            await self._tell(state.extension)
        except (AmiCut, AmiLate) as error:
            self._log_untold(error)

    def _take(self, state: OperatorState) -> None:
        """A change that nobody waits for: memory first, the rest in `keep`."""
        if self._states.get(state.extension) != state:
            self._unsaved.add(state.extension)
            self._untold.add(state.extension)
            self._know(state)
            self._news.set()

    def _know(self, state: OperatorState) -> None:
        if self._states.get(state.extension) == state:
            return
        extension = state.extension
        self._states[extension] = state
        if not self._pages[extension]:
            self._gone_at.setdefault(extension, self._clock() + self._page_gone)
        for listener in self.on_change:
            listener(extension)

    def _pass_time(self) -> None:
        now = self._clock()
        for state in list(self._states.values()):
            self._take(time_passed(state, now))
        for extension in [one for one, at in self._gone_at.items() if at <= now]:
            del self._gone_at[extension]
            if extension in self._states:
                self._take(page_gone(self._states[extension], now))

    def _next_s(self) -> float:
        """How long nothing is due."""
        ends = [state.until for state in self._states.values() if state.until is not None]
        soonest = min([*ends, *self._gone_at.values()], default=None)
        if soonest is None:
            return LOOK_EVERY_S
        return min(LOOK_EVERY_S, max(0.01, (soonest - self._clock()).total_seconds()))

    async def _look(self) -> None:
        while True:
            await self._watch.next()
            self._news.set()

    async def _save(self) -> None:
        states = [self._states[extension] for extension in sorted(self._unsaved)]
        if not states:
            return
        try:
            await self._book.put(states)
        except DatabaseTrouble as error:  # the next round tries again
            log.warning("Presence is not kept now.", action="presence_unsaved", reason=str(error))
            return
        self._unsaved -= {one.extension for one in states if self._states[one.extension] == one}

    async def _tell(self, extension: str) -> None:
        """Bring the PBX in step with an operator.

        Raises:
            AmiCut, AmiLate: `keep` repeats it.
        """
        state = self._states[extension]
        self._untold.add(extension)
        if await self._seats.tell(state) and self._states[extension] == state:
            self._untold.discard(extension)

    @staticmethod
    def _log_untold(error: Exception) -> None:
        log.warning("The PBX was not told.", action="presence_untold", reason=str(error))

    async def _bring_in_step(self) -> None:
        """Somebody or something else has paused or unpaused a phone, or the PBX has forgotten."""
        if not self._out_of_step():
            return
        try:
            states = await self._book.all()  # another node may have been told
        except DatabaseTrouble as error:
            log.warning("Presence cannot be read now.", action="presence_unread", reason=str(error))
            return
        for extension, state in states.items():
            if extension not in self._unsaved:
                self._know(state)
        for extension in self._out_of_step():
            await self._tell(extension)

    def _out_of_step(self) -> list[str]:
        return sorted(self._seats.out_of_step(self._states) - self._untold)

    async def _catch_up(self) -> None:
        """Ask what was dialled while nobody listened; a PBX that was restarted has to be told all states."""
        phones = self._seats.phones()
        if not phones:
            return
        for interface, extension in sorted(phones.items()):
            await self._adopt(extension, interface, await self._seats.dialled_on(interface))
        self._came_up = False
        self._untold.update(extension for extension in self._states if self._seats.of(extension))

    async def _adopt(self, extension: str, interface: str, dialled: str) -> None:
        """A feature code says what the operator wants, and on which phone they want to be rung."""
        if dialled not in {Presence.READY, Presence.PAUSED, Presence.AWAY}:
            return
        state = self._states.get(extension) or self._newcomer(extension)
        phone = PhoneChoice.PAGE if interface.endswith(WEB) else PhoneChoice.OWN
        presence = Presence(dialled)
        if presence is Presence.READY:
            state = replace(state, phone=phone)
        self._take(asked(state, presence, None, self._clock(), OWN_WRAP_UP_S))
        await self._seats.take_dialled(interface)
