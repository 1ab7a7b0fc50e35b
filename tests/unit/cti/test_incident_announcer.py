"""The incident in memory: spoken before anybody hears it, over in time, whatever the database does."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cti.waiting.incidents import IncidentAnnouncer
from tickets.database import DatabaseLate
from tickets.events import CallEvent
from tickets.incidents import Incident
from tickets.vocabulary import EventKind
from voicebot.voice import VoiceFailed

pytestmark = pytest.mark.unit
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
POSTPONED = Incident(7, "Draw postponed", "The draw is postponed.", NOW, "sam", None, None, None)


class House:
    """Record, voice and prompt book around one announcer."""

    def __init__(self) -> None:
        self.now = NOW
        self.record: Incident | None = None
        self.database_fault: Exception | None = None
        self.speaking: asyncio.Event | None = None  # set: the voice takes until then
        self.voice_fault: Exception | None = None
        self.taken_in: list[tuple[int, str, Path]] = []
        self.asked = asyncio.Event()
        self.announcer = IncidentAnnouncer(
            self.current, self.speak, self.take_in, lambda: self.now, speak_within_s=0.05, again_after_s=0.01
        )

    async def current(self) -> Incident | None:
        self.asked.set()
        if self.database_fault is not None:
            raise self.database_fault
        return self.record

    async def speak(self, text: str) -> Path:
        if self.voice_fault is not None:
            raise self.voice_fault
        if self.speaking is not None:
            await self.speaking.wait()
        return Path("/sounds/abc.wav")

    async def take_in(self, number: int, name: str, sound: Path) -> None:
        self.taken_in.append((number, name, sound))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.announcer.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def read(self) -> None:
        """Let it read anew, and have done what follows."""
        self.asked.clear()
        self.announcer.hint()
        async with asyncio.timeout(5):
            await self.asked.wait()

    async def until_announced(self) -> None:
        await until(lambda: self.announcer.announced)


async def until(come: Callable[[], bool]) -> None:
    """Look again and again."""
    for _ in range(1000):
        if come():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not come")


async def test_callers_hear_it_as_soon_as_it_is_spoken() -> None:
    house = House()
    house.record = POSTPONED
    async with house.running():
        await house.until_announced()
    assert house.taken_in == [(7, "incident-7", Path("/sounds/abc.wav"))]
    told = house.announcer.for_reception()
    assert told is not None
    assert (told.number, told.topic, told.prompt) == (7, "Draw postponed", "incident-7")


async def test_a_hung_voice_keeps_nobody_waiting_and_is_told() -> None:
    house = House()
    house.record, house.speaking = POSTPONED, asyncio.Event()
    async with house.running():
        await until(lambda: house.announcer.trouble is not None)
        assert house.announcer.for_reception() is None
        assert house.announcer.incident == POSTPONED
        assert "was not ready after" in (house.announcer.trouble or "")
        house.speaking.set()
        await house.until_announced()  # tried again by itself
    assert house.announcer.trouble is None


async def test_a_voice_that_fails_says_why() -> None:
    house = House()
    house.record, house.voice_fault = POSTPONED, VoiceFailed("piper failed (exit 1): no voice")
    async with house.running():
        await until(lambda: house.announcer.trouble is not None)
    assert "piper failed" in (house.announcer.trouble or "")
    assert not house.announcer.announced


async def test_with_the_database_away_what_is_known_holds_and_ends_in_time() -> None:
    house = House()
    house.record = Incident(8, "Web site", "It is down.", NOW, "sam", NOW + timedelta(hours=1), None, None)
    async with house.running():
        await house.until_announced()
        house.database_fault = DatabaseLate("The database did not answer within 1 s: check its load.")
        await house.read()
        assert house.announcer.announced
        house.now += timedelta(hours=1)
        assert not house.announcer.announced
        assert house.announcer.for_waiting("pz-1") is None


async def test_a_waiting_caller_hears_it_once_wherever_they_heard_it() -> None:
    house = House()
    house.record = POSTPONED
    async with house.running():
        await house.until_announced()
        assert house.announcer.for_waiting("pz-1") == 7
        house.announcer.heard("pz-1", 7)
        house.announcer.heard("pz-4", 6)  # the one before
        event = CallEvent("ivr", "1", "pz-2", NOW, EventKind.ANNOUNCED, {"option": "x", "incident": "7"})
        plain = CallEvent("ivr", "2", "pz-3", NOW, EventKind.ANNOUNCED, {"option": "x"})
        house.announcer.happened([event, plain])
        assert [house.announcer.for_waiting(f"pz-{n}") for n in (1, 2, 3, 4)] == [None, None, 7, 7]
