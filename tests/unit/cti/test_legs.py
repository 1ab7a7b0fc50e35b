"""Which channel is whose, by what the PBX lists."""

import pytest

from cti.operators.legs import By, Legs, at_desks, legs_of
from tests.fakes.pbx_with_calls import CALLER, PHONE, channel

pytestmark = pytest.mark.unit

OPERATORS = ("101", "102", "103")
ALICE, BOB, CHIEF = By("101"), By("102"), By("103", anybodys=True)
IN_ROOM = channel("PJSIP/trunk-1", "pz-1.1", "presszero-call,room", "room")
WAITS = channel("PJSIP/101-web-2", "pz-1.2", "presszero-desk,wait", linkedid="other")
CALL = CALLER.uniqueid


def found(who: By, *channels: object, desks: dict[str, str] | None = None) -> Legs | None:
    return legs_of(CALL, channels, OPERATORS, who, desks or {})  # type: ignore[arg-type]


def test_it_finds_the_phone_in_the_callers_bridge_the_own_one_or_the_pages() -> None:
    page = channel("PJSIP/101-web-9", "pz-1.9", bridge="b1")
    for phone in (PHONE, page):
        legs = found(ALICE, CALLER, phone)
        assert legs is not None
        assert (legs.phone, legs.operator, legs.place, legs.in_room) == (phone, "101", "", False)


def test_it_finds_no_phone_of_somebody_elses_call() -> None:
    stranger = channel("PJSIP/102-7", "pz-1.7", bridge="b7", linkedid="pz-1.6")
    for who in (BOB, By(None)):
        legs = found(who, CALLER, PHONE, stranger)
        assert legs is not None
        assert legs.phone is None


def test_a_supervisor_finds_whose_call_it_is_and_their_own_phone_first() -> None:
    legs = found(CHIEF, CALLER, PHONE)
    assert legs is not None
    assert legs.operator == "101"
    own = channel("PJSIP/103-8", "pz-1.8", "presszero-desk,talk", "b1")
    legs = found(CHIEF, CALLER, PHONE, own)
    assert legs is not None
    assert legs.operator == "103"


def test_a_phone_that_holds_is_known_by_what_it_says_of_itself() -> None:
    assert at_desks([IN_ROOM, WAITS, PHONE], OPERATORS, ALICE) == [WAITS]
    assert at_desks([IN_ROOM, WAITS, PHONE], OPERATORS, BOB) == []
    legs = found(ALICE, IN_ROOM, WAITS, desks={"pz-1.2": CALL})
    assert legs is not None
    assert (legs.phone, legs.place, legs.in_room) == (WAITS, "wait", True)
    legs = found(ALICE, IN_ROOM, WAITS, desks={"pz-1.2": "another call"})
    assert legs is not None
    assert legs.phone is None


def test_a_ringing_phone_is_found_and_who_is_asked_something_is_not() -> None:
    queued = channel("PJSIP/trunk-1", "pz-1.1", "presszero-call,operator")
    rung = channel("PJSIP/101-2", "pz-1.2", rings=True)
    legs = found(ALICE, queued, rung)
    assert legs is not None
    assert legs.phone == rung
    asking = channel("PJSIP/101-2", "pz-1.2", "presszero-desk,consult", "b2")
    asked = channel("PJSIP/102-3", "pz-1.3", bridge="b2")
    legs = found(BOB, IN_ROOM, asking, asked, desks={"pz-1.2": CALL})
    assert legs is not None
    assert legs.phone is None
    legs = found(ALICE, IN_ROOM, asking, asked, desks={"pz-1.2": CALL})
    assert legs is not None
    assert (legs.phone, legs.asked) == (asking, asked)


def test_a_call_that_is_over_has_no_legs() -> None:
    assert found(ALICE, PHONE) is None
    assert found(CHIEF) is None
