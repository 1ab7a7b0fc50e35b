"""What waiting callers are told, and when; over a fake PBX that takes channel variables."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from cti.asterisk.ami import AmiCut, AmiRefused, AmiReply, BadAmiValue
from cti.asterisk.events import MusicStopped, QueueSeat
from cti.waiting.queues import QueuePicture, Waiting
from cti.waiting.room import CHANGE_EVERY_S, WaitingRoom
from ivr.waiting_words import Announcement
from tickets.database import DatabaseLate
from tickets.talks import Talk

pytestmark = pytest.mark.unit
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


class House:
    """PBX, voice, talks and incident around one waiting room."""

    def __init__(self, *, has_words: bool = True) -> None:
        self.now, self.seconds = NOW, 0.0
        self.set: list[tuple[str, str]] = []  # channel, language
        self.fault: Exception | None = None
        self.unspoken = self.late = False
        self.talks: list[Talk] = []
        self.incident: int | None = None
        self.knows: set[str] = set()
        self.offer_after_s: float | None = None
        self.room = WaitingRoom(
            self,
            self.never,
            self.talks_since,
            self if has_words else None,
            self.offers,
            90.0,
            self,
            lambda: self.now,
            lambda: self.seconds,
        )

    async def action(self, name: str, /, **fields: str) -> AmiReply:
        assert (name, fields["Variable"]) == ("Setvar", "CHANNEL(language)")
        if self.fault is not None:
            raise self.fault
        self.set.append((fields["Channel"], fields["Value"]))
        return AmiReply("Variable Set", {})

    async def make(self, announcement: Announcement, call_id: str) -> str | None:
        return None if self.unspoken else f"en_{announcement.code}"

    async def never(self) -> QueuePicture | None:
        raise AssertionError("these tests show the picture themselves")

    async def talks_since(self, at: datetime) -> Sequence[Talk]:
        if self.late:
            raise DatabaseLate("The database did not answer.")
        return self.talks

    def offers(self, caller: Waiting, now: datetime) -> bool:
        waited = (now - caller.joined_at).total_seconds()
        return self.offer_after_s is not None and waited >= self.offer_after_s

    def for_waiting(self, call_id: str) -> int | None:
        return None if call_id in self.knows else self.incident

    def heard(self, call_id: str, number: int) -> None:
        if number == self.incident:
            self.knows.add(call_id)

    async def look(self, *call_ids: str, after_s: float = 0) -> list[str]:
        """Show a picture with these callers, in this order; the languages that were set."""
        self.now += timedelta(seconds=after_s)
        self.seconds += after_s
        waiting = tuple(
            Waiting(call_id, f"PJSIP/{call_id}", "support", place, 0, NOW)
            for place, call_id in enumerate(call_ids, 1)
        )
        seats = tuple(
            QueueSeat(self.now, "", "support", name, there=True, talking=True, free=False)
            for name in ("101", "102")
        )
        self.set.clear()
        await self.room.look(QueuePicture(self.now, waiting, seats))
        return [language for _, language in self.set]

    def measured(self, seconds: float) -> None:
        """Talks of that length."""
        at = [NOW - timedelta(minutes=20 * n) for n in range(1, 5)]
        self.talks = [Talk("support", "101", one, one, seconds) for one in at]

    def announces(self, call_id: str) -> None:
        """The caller's music stops for an announcement."""
        self.room.hear([MusicStopped(self.now, "", call_id)])


@pytest.fixture
def house() -> House:
    """Nothing measured, no incident, no offer."""
    return House()


async def test_it_tells_the_place_alone_where_nothing_was_measured(house: House) -> None:
    await house.room.measure()
    assert await house.look("a", "b") == ["en_p1", "en_p2"]
    outlook = house.room.outlook("b")
    assert outlook is not None
    assert (outlook.place, outlook.seconds, outlook.minutes) == (2, None, None)


async def test_it_tells_the_wait_from_measured_talks(house: House) -> None:
    house.measured(300)
    await house.room.measure()
    # Two operators finish a talk of five minutes every two and a half.
    assert await house.look("a", "b", "c", "d") == ["en_p1w2", "en_p2w5", "en_p3w8", "en_p4w10"]


async def test_it_sets_a_code_when_it_changes_and_not_more_often_than_needed(house: House) -> None:
    assert await house.look("a", "b") == ["en_p1", "en_p2"]
    assert await house.look("b", after_s=1) == []
    outlook = house.room.outlook("b")
    assert outlook is not None
    assert outlook.place == 1
    assert await house.look("b", after_s=CHANGE_EVERY_S) == ["en_p1"]
    assert await house.look("b", after_s=CHANGE_EVERY_S) == []


@pytest.mark.parametrize("fault", [AmiRefused("No such channel"), BadAmiValue("a channel's strange name")])
async def test_who_left_or_cannot_be_named_is_no_error(house: House, fault: Exception) -> None:
    await house.look("a", "b")
    house.fault = fault
    assert await house.look("a", "b", "c") == []
    house.fault = None
    assert await house.look("c") == ["en_p1"]
    assert house.room.outlook("a") is None


async def test_a_cut_link_is_tried_again_with_the_next_picture(house: House) -> None:
    house.fault = AmiCut("There is no AMI link.")
    assert await house.look("a") == []
    house.fault = None
    assert await house.look("a") == ["en_p1"]


async def test_before_the_voice_has_spoken_nothing_is_set(house: House) -> None:
    house.unspoken = True
    assert await house.look("a") == []
    house.unspoken = False
    assert await house.look("a", after_s=1) == ["en_p1"]


async def test_an_incident_is_told_once_and_at_once_taken_out_again(house: House) -> None:
    house.incident = 7
    house.knows.add("b")
    assert await house.look("a", "b") == ["en_p1i7", "en_p2"]
    house.announces("b")
    assert await house.look("a", "b", after_s=1) == []
    house.announces("a")
    assert await house.look("a", "b", after_s=1) == ["en_p1"]


async def test_who_heard_the_incident_of_before_has_not_heard_the_new_one(house: House) -> None:
    house.incident = 7
    assert await house.look("a") == ["en_p1i7"]
    house.incident = 8
    assert await house.look("a", after_s=1) == []  # too early for a new code
    house.announces("a")
    assert await house.look("a", after_s=1) == ["en_p1i8"]


async def test_a_clock_that_was_set_back_keeps_no_news_from_callers(house: House) -> None:
    house.offer_after_s = 0
    assert await house.look("x", "a") == ["en_p1o", "en_p2o"]
    house.announces("a")
    house.now -= timedelta(hours=1)
    house.offer_after_s = -3600
    assert await house.look("a", after_s=CHANGE_EVERY_S) == ["en_p1"]
    assert await house.look("a", after_s=90) == ["en_p1o"]


async def test_a_call_back_is_offered_in_time_and_then_now_and_again(house: House) -> None:
    house.offer_after_s = 60
    assert await house.look("a") == ["en_p1"]
    assert await house.look("a", after_s=60) == ["en_p1o"]
    house.announces("a")
    assert await house.look("a", after_s=1) == ["en_p1"]
    assert await house.look("a", after_s=60) == []
    assert await house.look("a", after_s=30) == ["en_p1o"]


async def test_what_is_said_does_not_jump_when_the_figures_do(house: House) -> None:
    house.measured(120)
    await house.room.measure()
    assert await house.look("x", "a") == ["en_p1w1", "en_p2w2"]
    house.measured(3000)
    await house.room.measure()
    # 50 minutes by the new figures; two minutes were said a moment ago.
    assert await house.look("x", "a", after_s=CHANGE_EVERY_S) == ["en_p1w2", "en_p2w3"]


async def test_figures_hold_while_the_database_is_away(house: House) -> None:
    house.measured(300)
    await house.room.measure()
    house.late = True
    with pytest.raises(DatabaseLate):
        await house.room.measure()
    assert await house.look("a") == ["en_p1w2"]


async def test_without_words_in_the_scenario_only_the_page_knows() -> None:
    house = House(has_words=False)
    assert await house.look("a") == []
    assert house.room.outlook("a") is not None
