"""The keeper of presence over a PBX and a memory that can fail."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from cti.asterisk.ami import AmiCut, AmiReply
from cti.asterisk.events import PresenceDialled, QueueSeat
from cti.operators.keeper import PresenceKeeper
from cti.waiting.queues import QueuePicture
from tickets.database import DatabaseAway
from tickets.presence import OperatorState
from tickets.vocabulary import PhoneChoice, Presence

pytestmark = [pytest.mark.unit, pytest.mark.asyncio]

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
OWN, PAGE = "PJSIP/101", "PJSIP/101-web"


@dataclass
class Pbx:
    """The queue members of a PBX, as far as the keeper changes them."""

    paused: dict[str, str] = field(default_factory=dict)  # interface → reason
    variables: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    asked: int = 0

    async def action(self, name: str, /, **fields: str) -> AmiReply:
        if self.cut:
            raise AmiCut("There is no AMI link.")
        self.asked += 1
        match name:
            case "Getvar":
                return AmiReply("", {"value": self.variables.get(fields["Variable"], "")})
            case "Setvar":
                self.variables[fields["Variable"]] = fields["Value"]
            case "QueuePause" if fields["Paused"] == "true":
                self.paused[fields["Interface"]] = fields["Reason"]
            case "QueuePause":
                self.paused.pop(fields["Interface"], None)
            case _:
                raise AssertionError(name)
        return AmiReply("", {})

    @property
    def busy(self) -> set[str]:
        return {name for name, value in self.variables.items() if value == "INUSE"}


@dataclass
class Book:
    rows: dict[str, OperatorState] = field(default_factory=dict)
    away: bool = False

    async def all(self) -> dict[str, OperatorState]:
        return dict(self.rows)

    async def put(self, states: Iterable[OperatorState]) -> None:
        if self.away:
            raise DatabaseAway("The database does not answer.")
        self.rows |= {state.extension: state for state in states}


class House:
    """A keeper, and what it stands between."""

    def __init__(self, book: Book | None = None, pbx: Pbx | None = None) -> None:
        self.pbx, self.book, self.now = pbx or Pbx(), book or Book(), NOON
        self.own_registered = True
        self.picture: QueuePicture | None = None
        self.changed: list[str] = []
        self.look()
        self.keeper = PresenceKeeper(self.pbx, self, self.book, {"support": 15}, lambda: self.now)
        self.keeper.on_change.append(self.changed.append)

    async def next(self) -> QueuePicture | None:
        await asyncio.Event().wait()
        return None

    def wake(self) -> None:
        pass

    def look(self) -> None:
        def seat(interface: str, registered: bool) -> QueueSeat:
            paused = interface in self.pbx.paused
            there = registered and not paused
            return QueueSeat(
                self.now, "", "support", "101", there, False, there, interface, registered, paused
            )

        self.picture = QueuePicture(self.now, (), (seat(OWN, self.own_registered), seat(PAGE, True)))

    async def after(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.look()
        await self.keeper.keep()

    @property
    def presence(self) -> Presence:
        state = self.keeper.state_of("101")
        assert state is not None
        return state.presence


async def test_who_never_set_anything_is_left_as_the_pbx_says() -> None:
    house = House()
    house.pbx.paused[OWN] = "training"
    await house.after(5)
    assert house.keeper.state_of("101") is None
    assert house.pbx.paused == {OWN: "training"}
    house.keeper.call_left("101", "support", house.now)
    await house.after(5)
    assert house.pbx.busy == set()


async def test_ready_means_the_chosen_phone_alone_is_rung() -> None:
    house = House()
    await house.keeper.set("101", Presence.READY)
    assert house.pbx.paused == {PAGE: "other phone"}
    await house.keeper.choose_phone("101", PhoneChoice.PAGE)
    assert house.pbx.paused == {OWN: "other phone"}
    assert house.book.rows["101"].phone is PhoneChoice.PAGE
    assert house.changed == ["101", "101"]


@pytest.mark.parametrize(("paused", "stays"), [([], Presence.READY), ([OWN, PAGE], Presence.AWAY)])
async def test_another_phone_makes_nobody_come_or_go(paused: list[str], stays: Presence) -> None:
    house = House()
    house.pbx.paused |= dict.fromkeys(paused, "by hand")
    house.look()
    await house.keeper.choose_phone("101", PhoneChoice.PAGE)
    assert house.presence is stays
    assert (
        house.pbx.paused == {OWN: "other phone"} if stays is Presence.READY else {OWN: "away", PAGE: "away"}
    )


async def test_who_has_no_phone_of_their_own_gets_the_page_s() -> None:
    house = House()
    house.own_registered = False
    house.look()
    await house.keeper.set("101", Presence.READY)
    assert house.pbx.paused == {OWN: "other phone"}


async def test_a_pause_is_for_both_phones_with_its_reason() -> None:
    house = House()
    await house.keeper.set("101", Presence.PAUSED, " lunch\r\nAction: Command ")
    assert house.pbx.paused == dict.fromkeys((OWN, PAGE), "lunch Action: Command")


async def test_a_wrap_up_is_busy_and_no_pause_and_ends_by_itself() -> None:
    house = House()
    await house.keeper.set("101", Presence.READY)
    house.keeper.call_left("101", "support", house.now)
    await house.after(0)
    assert (house.presence, house.book.rows["101"].presence) == (Presence.WRAP_UP, Presence.WRAP_UP)
    assert house.pbx.busy == {
        "DEVICE_STATE(Custom:presszero-101)",
        "DEVICE_STATE(Custom:presszero-101-web)",
    }
    assert house.pbx.paused == {PAGE: "other phone"}
    await house.after(15)
    assert (house.presence, house.pbx.busy) == (Presence.READY, set())


async def test_a_queue_that_gives_no_wrap_up_gives_none() -> None:
    house = House()
    await house.keeper.set("101", Presence.READY)
    house.keeper.call_left("101", "claims", house.now)
    house.keeper.call_left("101", None, house.now)
    assert house.presence is Presence.READY


async def test_a_call_that_is_found_later_brings_no_wrap_up() -> None:
    house = House()
    await house.keeper.set("101", Presence.READY)
    house.keeper.call_left("101", "support", NOON - timedelta(minutes=10))
    assert house.presence is Presence.READY


async def test_a_pbx_that_was_restarted_is_told_everything_again() -> None:
    house = House()
    await house.keeper.set("101", Presence.PAUSED, "lunch")
    house.pbx.paused.clear()
    house.keeper.wake()
    await house.after(5)
    assert house.pbx.paused == {OWN: "lunch", PAGE: "lunch"}


async def test_a_service_that_was_restarted_remembers() -> None:
    before = House()
    await before.keeper.set("101", Presence.PAUSED, "lunch")
    after = House(before.book)
    await after.keeper.load()
    await after.after(1)
    assert after.presence is Presence.PAUSED
    assert after.pbx.paused == {OWN: "lunch", PAGE: "lunch"}


async def test_what_somebody_else_changed_is_put_right_at_the_next_look() -> None:
    house = House()
    await house.keeper.set("101", Presence.PAUSED, "lunch")
    await house.after(5)
    del house.pbx.paused[OWN]
    await house.after(5)
    assert house.pbx.paused == {OWN: "lunch", PAGE: "lunch"}


async def test_in_step_nothing_is_asked_of_the_pbx() -> None:
    house = House()
    await house.keeper.set("101", Presence.READY)
    await house.after(5)
    asked = house.pbx.asked
    await house.after(5)
    assert house.pbx.asked == asked


async def test_what_another_node_was_told_is_believed_not_undone() -> None:
    house = House()
    await house.keeper.set("101", Presence.READY)
    await house.after(5)
    house.book.rows["101"] = OperatorState("101", Presence.PAUSED, NOON, PhoneChoice.OWN, "lunch")
    house.pbx.paused = {OWN: "lunch", PAGE: "lunch"}
    await house.after(5)
    assert house.presence is Presence.PAUSED
    assert house.pbx.paused == {OWN: "lunch", PAGE: "lunch"}


async def test_a_cut_link_delays_what_the_pbx_is_told() -> None:
    house = House()
    house.pbx.cut = True
    await house.keeper.set("101", Presence.PAUSED, "lunch")
    await house.after(5)
    assert house.pbx.paused == {}
    house.pbx.cut = False
    await house.after(5)
    assert house.pbx.paused == {OWN: "lunch", PAGE: "lunch"}


async def test_without_a_database_nothing_is_set_and_a_wrap_up_still_ends() -> None:
    house = House()
    await house.keeper.set("101", Presence.READY)
    house.book.away = True
    with pytest.raises(DatabaseAway):
        await house.keeper.set("101", Presence.AWAY)
    assert house.presence is Presence.READY
    house.keeper.call_left("101", "support", house.now)
    await house.after(1)
    assert house.presence is Presence.WRAP_UP
    await house.after(20)
    assert house.presence is Presence.READY
    house.book.away = False
    await house.after(1)
    assert house.book.rows["101"] == house.keeper.state_of("101")


async def test_a_feature_code_is_taken_over_with_the_phone_it_was_dialled_on() -> None:
    house = House()
    await house.keeper.set("101", Presence.AWAY)
    house.keeper.hear([PresenceDialled(NOON, "", "101", PAGE, "ready")])
    await house.after(0)
    state = house.keeper.state_of("101")
    assert state is not None
    assert (state.presence, state.phone) == (Presence.READY, PhoneChoice.PAGE)
    assert house.pbx.paused == {OWN: "other phone"}


async def test_what_was_dialled_while_we_were_away_is_found_once() -> None:
    house = House()
    house.pbx.variables["PZ_PRESENCE_101"] = "paused"
    await house.after(0)
    assert house.presence is Presence.PAUSED
    await house.keeper.set("101", Presence.READY)
    house.keeper.wake()
    await house.after(1)
    assert house.presence is Presence.READY


@pytest.mark.parametrize("nonsense", ["wrap_up", "", "Ready", "x"])
async def test_what_is_no_feature_code_changes_nothing(nonsense: str) -> None:
    house = House()
    house.keeper.hear([PresenceDialled(NOON, "", "101", OWN, nonsense)])
    await house.after(0)
    assert house.keeper.state_of("101") is None


async def test_a_minute_after_the_last_page_was_closed_its_phone_is_away() -> None:
    house = House()
    house.keeper.desk_open("101")
    house.keeper.desk_open("101")
    await house.keeper.set("101", Presence.READY)
    await house.keeper.choose_phone("101", PhoneChoice.PAGE)
    house.keeper.desk_closed("101")
    await house.after(100)
    assert house.presence is Presence.READY
    house.keeper.desk_closed("101")
    await house.after(59)
    assert house.presence is Presence.READY
    house.keeper.desk_open("101")
    await house.after(10)
    assert house.presence is Presence.READY
    house.keeper.desk_closed("101")
    await house.after(60)
    assert house.presence is Presence.AWAY


async def test_who_has_a_phone_of_their_own_needs_no_page() -> None:
    house = House()
    house.keeper.desk_open("101")
    await house.keeper.set("101", Presence.READY)
    house.keeper.desk_closed("101")
    await house.after(3600)
    assert house.presence is Presence.READY


async def test_after_a_restart_of_ours_a_page_has_a_minute_to_come_back() -> None:
    book = Book({"101": OperatorState("101", Presence.READY, NOON, PhoneChoice.PAGE)})
    house = House(book)
    await house.keeper.load()
    await house.after(30)
    assert house.presence is Presence.READY
    await house.after(30)
    assert house.presence is Presence.AWAY


async def test_the_pbx_knows_until_when_somebody_writes_up_should_we_not_be_there_to_say() -> None:
    house = House()
    await house.keeper.set("101", Presence.WRAP_UP)
    until = house.keeper.state_of("101").until  # type: ignore[union-attr]
    assert until is not None
    for seat in ("101", "101web"):
        over = int(house.pbx.variables[f"PZ_BUSY_{seat}"])
        assert 0 < over - until.timestamp() <= 120
