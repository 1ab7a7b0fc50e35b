"""The incident of the moment, in memory: reception and waiting room ask it for each caller and never wait.

Read again after each change and every few seconds, since another node may have switched it; spoken by the
scenario's voice before anybody hears it. Knows the records, the voice and the prompt book; no PBX, no web.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from pathlib import Path

import structlog

from ivr.menu import Incident as Told
from tickets.database import DatabaseTrouble
from tickets.events import CallEvent
from tickets.incidents import Incident
from tickets.vocabulary import EventKind

log = structlog.get_logger()

RELOAD_EVERY_S = 3.0
SPEAK_WITHIN_S = 60.0
AGAIN_AFTER_S = 60.0
REMEMBERED = 10_000  # callers who have heard it


class IncidentAnnouncer:
    """One per service; `run` keeps it fresh."""

    def __init__(
        self,
        current: Callable[[], Awaitable[Incident | None]],
        speak: Callable[[str], Awaitable[Path]],
        take_in: Callable[[int, str, Path], Awaitable[None]],
        clock: Callable[[], datetime],
        *,
        speak_within_s: float = SPEAK_WITHIN_S,
        again_after_s: float = AGAIN_AFTER_S,
    ) -> None:
        """
        Args:
            current: the incident on record, `IncidentBook.current`.
            speak: gives a telephone WAV of a text.
            take_in: makes the sound ready for reception and waiting room: number, prompt name, WAV.
            clock: now, aware.
            speak_within_s: then speaking has failed.
            again_after_s: until it is tried again.
        """
        self._current, self._speak, self._take_in, self._clock = current, speak, take_in, clock
        self._speak_within_s, self._again_after_s = speak_within_s, again_after_s
        self._incident: Incident | None = None
        self._spoken: int | None = None  # id of the incident whose sound is ready
        self._heard: OrderedDict[str, int] = OrderedDict()
        self._changed = asyncio.Event()
        self._unread = False  # the last time
        self.trouble: str | None = None  # why callers do not hear it, in a sentence

    @property
    def incident(self) -> Incident | None:
        """The one that is switched on."""
        incident = self._incident
        return incident if incident is not None and incident.is_on(self._clock()) else None

    @property
    def announced(self) -> bool:
        """Whether callers hear it: it is on, and spoken."""
        return self.for_reception() is not None

    def for_reception(self) -> Told | None:
        """What callers hear after the greeting."""
        incident = self.incident
        if incident is None or incident.id != self._spoken:
            return None
        return Told(incident.id, incident.topic, prompt_name(incident.id))

    def announces(self, number: int) -> bool:
        """Whether callers hear this very incident: it may have taken another's place a moment ago."""
        told = self.for_reception()
        return told is not None and told.number == number

    def trouble_with(self, number: int) -> str | None:
        """Why callers do not hear this incident, if anything is known."""
        return self.trouble if self._incident is not None and self._incident.id == number else None

    def for_waiting(self, call_id: str) -> int | None:
        """The number of the incident that this waiting caller has not heard of yet."""
        told = self.for_reception()
        return told.number if told is not None and self._heard.get(call_id) != told.number else None

    def heard(self, call_id: str, number: int) -> None:
        """This caller has heard of that incident, which may be the one before."""
        self._remember(call_id, number)

    def happened(self, events: Iterable[CallEvent]) -> None:
        """Take from the ledger who has heard it from reception."""
        for event in events:
            number = str(event.data.get("incident", ""))
            if event.kind is EventKind.ANNOUNCED and number.isdecimal():
                self._remember(event.call_id, int(number))

    def hint(self) -> None:
        """Something was switched here: read it at once."""
        self._changed.set()

    async def run(self) -> None:
        """Read and speak, until cancelled."""
        while True:
            self._changed.clear()
            pause_s = RELOAD_EVERY_S
            try:
                self._known(await self._current())
            except DatabaseTrouble as error:  # what is known holds; its end is known too
                if not self._unread:
                    log.warning("Incidents cannot be read.", action="incidents_unread", reason=str(error))
                self._unread = True
            incident = self.incident
            if incident is None:
                self.trouble = None
            elif incident.id != self._spoken and not await self._make_ready(incident):
                pause_s = self._again_after_s
            try:
                async with asyncio.timeout(pause_s):
                    await self._changed.wait()
            except TimeoutError:
                pass

    def _known(self, incident: Incident | None) -> None:
        if incident is None or self._incident is None or incident.id != self._incident.id:
            self.trouble = None  # it was with the one before
        self._incident, self._unread = incident, False

    async def _make_ready(self, incident: Incident) -> bool:
        try:
            async with asyncio.timeout(self._speak_within_s):
                sound = await self._speak(incident.text)
                await self._take_in(incident.id, prompt_name(incident.id), sound)
        except Exception as error:  # whatever a voice does, calls go on without the incident
            words = str(error) or f"it was not ready after {self._speak_within_s:.0f} s"
            self.trouble = f"The announcement could not be spoken: {words}"
            log.warning(
                "Callers do not hear the incident.", action="incident_unspoken", error=type(error).__name__
            )
            return False
        self._spoken, self.trouble = incident.id, None
        log.info("Callers hear of an incident.", action="incident_on", incident=incident.id)
        return True

    def _remember(self, call_id: str, number: int) -> None:
        self._heard[call_id] = number
        self._heard.move_to_end(call_id)
        while len(self._heard) > REMEMBERED:
            self._heard.popitem(last=False)


def prompt_name(number: int) -> str:
    """The incident's name in the prompt book."""
    return f"incident-{number}"
