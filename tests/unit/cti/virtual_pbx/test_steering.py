"""Who calls through a virtual PBX, and who of them is sent elsewhere than its scheme would."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from cti.virtual_pbx.contract import CommandRefused, Route, Steered, neutral_id
from cti.virtual_pbx.settings import ConnectionSettings
from cti.virtual_pbx.steering import Steering, where_to
from ivr.reception import KnownCaller
from tests.fakes.virtual_pbx import START, settings_of
from tests.fakes.virtual_pbx.vendor import Deaf, Obliging
from tickets.events import CallEvent
from tickets.vocabulary import EventKind

pytestmark = pytest.mark.unit

VIP, KNOWN, STRANGER = "+12025550143", "+12025550144", "+12025550145"
CARDS = {VIP: KnownCaller(7, 2), KNOWN: KnownCaller(8, 0)}
RULES = {"vip_to": {1: "silver", 2: "gold"}, "known_to": "last_operator"}


def settings(**changes: object) -> ConnectionSettings:
    return settings_of("generic", **{**RULES, **changes})


@dataclass
class Centre:
    """Steering, and what it said and did."""

    vendor: Obliging = field(default_factory=lambda: Obliging(**RULES))
    told: list[CallEvent] = field(default_factory=list)
    found: list[str] = field(default_factory=list)
    surge: bool = False
    free: bool = True
    now_s: float = 0.0
    now: datetime = START

    def __post_init__(self) -> None:
        self.steering = Steering(
            lambda: {"mango": self.vendor},
            self._find,
            self._last,
            lambda operator: self.free,
            lambda call_id: None,
            lambda: self.surge,
            self.told.append,
            lambda: self.now,
            lambda: self.now_s,
        )

    async def _find(self, number: str) -> KnownCaller | None:
        self.found.append(number)
        return CARDS.get(number)

    async def _last(self, customer_id: int) -> str | None:
        return "102"

    async def waits(self, number: str, call: str = "one", *kinds: EventKind) -> str:
        """A caller comes, and waits in the vendor's menu or queue; the call's id."""
        call_id = neutral_id("mango", call)
        received = {"caller_raw": number, "direction": "inbound"}
        events = [CallEvent("mango", "r", call_id, self.now, EventKind.RECEIVED, received)]
        events += [
            CallEvent("mango", kind, call_id, self.now, kind) for kind in kinds or (EventKind.QUEUE_JOINED,)
        ]
        for event in events:
            self.steering.hear(event)
        while self.steering._tasks:
            await asyncio.gather(*self.steering._tasks)
            await asyncio.sleep(0)
        return call_id

    def kinds(self) -> list[EventKind]:
        return [event.kind for event in self.told]


# --- rules


@pytest.mark.parametrize(
    ("caller", "last", "expected"),
    [
        (None, None, None),
        (KnownCaller(1, 0), None, None),
        (KnownCaller(1, 0), "102", Steered("102", "known")),
        (KnownCaller(1, 1), "102", Steered("silver", "vip")),
        (KnownCaller(None, 5), None, Steered("gold", "vip")),
    ],
)
def test_the_highest_level_that_is_reached_counts(
    caller: KnownCaller | None, last: str | None, expected: Steered | None
) -> None:
    assert where_to(settings(), caller, last) == expected


def test_nobody_is_steered_where_the_settings_say_nothing() -> None:
    assert where_to(settings(vip_to={}, known_to=""), KnownCaller(1, 9), "102") is None


def test_a_vip_whose_level_goes_nowhere_is_not_sent_to_an_operator_either() -> None:
    assert where_to(settings(vip_to={3: "gold"}), KnownCaller(1, 2), "102") is None


# --- who calls


async def test_who_calls_is_told_of_once() -> None:
    centre = Centre()
    call_id = await centre.waits(VIP, "one", EventKind.MENU_ENTERED, EventKind.QUEUE_JOINED)
    found = [event for event in centre.told if event.kind is EventKind.CUSTOMER_FOUND]
    assert [(one.call_id, one.data["customer_id"], one.data["vip_level"]) for one in found] == [
        (call_id, 7, 2)
    ]
    assert centre.found == [VIP]


async def test_a_vendor_that_tells_who_calls_itself_is_not_told_again() -> None:
    centre = Centre()
    call_id = neutral_id("mango", "one")
    centre.steering.hear(
        CallEvent("mango", "c", call_id, START, EventKind.CUSTOMER_FOUND, {"customer_id": 7})
    )
    await centre.waits(VIP)
    assert EventKind.CUSTOMER_FOUND not in centre.kinds()


async def test_a_stranger_and_a_call_of_asterisks_are_nobodys_business() -> None:
    centre = Centre()
    await centre.waits(STRANGER)
    ours = {"caller_raw": VIP, "direction": "inbound"}
    centre.steering.hear(CallEvent("ami", "r", "pz-1.2", START, EventKind.RECEIVED, ours))
    assert centre.told == []


async def test_what_is_told_late_is_no_caller_of_now() -> None:
    centre = Centre()
    centre.now = START + timedelta(minutes=5)
    call_id = neutral_id("mango", "one")
    told = {"caller_raw": VIP, "direction": "inbound"}
    centre.steering.hear(CallEvent("mango", "r", call_id, START, EventKind.RECEIVED, told))
    centre.steering.hear(CallEvent("mango", "q", call_id, START, EventKind.QUEUE_JOINED))
    assert not centre.steering._tasks


# --- where they go


async def test_a_vip_who_waits_is_routed_and_the_ledger_has_it() -> None:
    centre = Centre()
    call_id = await centre.waits(VIP)
    assert centre.vendor.asked.commands == [Route("gold")]
    handed = [event for event in centre.told if event.kind is EventKind.HANDED_OVER]
    assert [(one.call_id, one.data) for one in handed] == [(call_id, {"reason": "vip", "to": "gold"})]


async def test_a_known_customer_goes_to_their_last_operator_only_if_they_are_free() -> None:
    centre = Centre()
    await centre.waits(KNOWN)
    assert centre.vendor.asked.commands == [Route("102")]
    assert centre.told[-1].data["reason"] == "known"
    busy = Centre(free=False)
    await busy.waits(KNOWN)
    assert busy.vendor.asked.commands == []


async def test_a_call_is_decided_once() -> None:
    centre = Centre()
    await centre.waits(VIP, "one", EventKind.MENU_ENTERED, EventKind.QUEUE_JOINED, EventKind.MENU_ENTERED)
    assert len(centre.vendor.asked.commands) == 1


async def test_the_vendors_limit_is_never_overrun() -> None:
    centre = Centre()
    for second in range(20):
        centre.now_s = second / 2
        await centre.waits(VIP, f"call {second}")
    assert len(centre.vendor.asked.commands) == 5  # in 9.5 s, one in two seconds


async def test_who_was_beyond_the_limit_in_the_menu_is_looked_at_again_in_the_queue() -> None:
    centre = Centre()
    await centre.waits(VIP, "first", EventKind.MENU_ENTERED)
    await centre.waits(VIP, "second", EventKind.MENU_ENTERED)
    assert len(centre.vendor.asked.commands) == 1
    centre.now_s = 3.0
    await centre.waits(VIP, "second", EventKind.QUEUE_JOINED)
    assert len(centre.vendor.asked.commands) == 2


async def test_a_surge_switches_it_off() -> None:
    centre = Centre(surge=True)
    await centre.waits(VIP)
    assert centre.vendor.asked.commands == []
    assert centre.kinds() == [EventKind.CUSTOMER_FOUND]
    assert await centre.steering.answer(settings(), neutral_id("zadarma", "x"), VIP) is None


async def test_a_refusal_leaves_the_caller_to_the_scheme_and_says_nothing_of_a_hand_over() -> None:
    centre = Centre()
    centre.vendor.asked.refusal = CommandRefused("No.")
    await centre.waits(VIP)
    assert EventKind.HANDED_OVER not in centre.kinds()


async def test_a_mistake_of_ours_costs_the_caller_nothing_and_the_log_has_no_number(
    capsys: pytest.CaptureFixture[str],
) -> None:
    centre = Centre()
    centre.vendor.asked.refusal = ZeroDivisionError(f"{VIP} by nothing")
    await centre.waits(VIP)
    said = capsys.readouterr().out
    assert "steering_failed" in said
    assert "ZeroDivisionError" in said
    assert "5550143" not in said


async def test_a_vendor_that_wants_to_know_who_calls_is_told_what_was_asked_already() -> None:
    centre = Centre()
    call_id = neutral_id("mango", "one")
    asking = asyncio.create_task(centre.steering.who_calls(call_id, VIP))  # while it is being told of
    assert await centre.waits(VIP, "one") == call_id
    assert await asking == await centre.steering.who_calls(call_id, VIP) == CARDS[VIP]
    assert centre.found == [VIP]
    assert centre.kinds().count(EventKind.CUSTOMER_FOUND) == 1


async def test_a_vendor_without_routes_is_not_asked() -> None:
    centre = Centre(vendor=Deaf(**RULES))
    await centre.waits(VIP)
    assert centre.vendor.asked.commands == []


async def test_a_vendor_that_asks_is_answered_and_the_ledger_has_it() -> None:
    centre = Centre()
    call_id = neutral_id("zadarma", "x")
    assert await centre.steering.answer(settings(), call_id, VIP) == Steered("gold", "vip")
    assert centre.kinds() == [EventKind.CUSTOMER_FOUND, EventKind.HANDED_OVER]
    assert await centre.steering.answer(settings(), call_id, VIP) == Steered("gold", "vip")  # asked again
    assert centre.kinds().count(EventKind.HANDED_OVER) == 1
    assert await centre.steering.answer(settings(), neutral_id("zadarma", "y"), "") is None
