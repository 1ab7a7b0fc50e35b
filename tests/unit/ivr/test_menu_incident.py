"""A mass incident in the menu: heard after the greeting, cut short by any live key, told to the ledger."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.menu import LAST_CHANCE_S, Ask, Incident, Leave, Next, Step, advance, begin
from ivr.scenario import Hours, Scenario
from ivr.scenario_file import load_scenario
from tickets.vocabulary import EventKind, HandOver

pytestmark = pytest.mark.unit

LOTTERY = load_scenario(Path("scenarios/lottery.yaml"))
NO_CLOSED_MENU = LOTTERY.model_copy(
    update={"hours": Hours.model_validate({"weekly": {"mon": "08:00-09:00"}})}
)
POSTPONED = Incident(7, "Draw postponed", "incident-7")
OPENING = ("greeting", "recording_notice", "incident-7")


def asked(step: Step) -> Ask:
    assert isinstance(step.do, Ask)
    return step.do


def test_it_is_heard_after_the_greeting_and_then_comes_the_menu() -> None:
    first = begin(LOTTERY, is_open=True, incident=POSTPONED)
    assert asked(first).prompts == OPENING
    second = advance(LOTTERY, first.state, None)
    assert asked(second).prompts == ("menu-main", "invite-main-9")
    [told] = second.news
    assert told.kind is EventKind.ANNOUNCED
    assert told.data == {"menu": "main", "option": "Draw postponed", "incident": "7"}


@given(st.booleans(), st.booleans())
def test_without_an_incident_nothing_is_different(is_open: bool, surge: bool) -> None:
    with_it = begin(LOTTERY, is_open=is_open, surge=surge, incident=POSTPONED)
    after = advance(LOTTERY, with_it.state, None)
    without = begin(LOTTERY, is_open=is_open, surge=surge)
    heard = [*OPENING[:2], *(asked(after).prompts if after.state.stage is without.state.stage else ())]
    assert heard == list(asked(without).prompts)
    assert asked(with_it).keys == asked(without).keys


def test_zero_cuts_it_short_and_nobody_was_informed() -> None:
    first = begin(LOTTERY, is_open=True, incident=POSTPONED)
    step = advance(LOTTERY, first.state, "0")
    assert step.do == Leave(Next.OPERATOR, "support", HandOver.PRESSED_ZERO)
    assert step.news == ()


@pytest.mark.parametrize("key", ["1", "2", "3", "4"])
def test_a_key_of_the_menu_cuts_it_short_and_it_does_not_come_again(key: str) -> None:
    first = begin(LOTTERY, is_open=True, incident=POSTPONED)
    step = advance(LOTTERY, first.state, key)
    assert step.news[0].kind is EventKind.MENU_CHOICE
    while isinstance(step.do, Ask):
        assert "incident-7" not in step.do.prompts
        assert all(news.data.get("incident") is None for news in step.news)
        step = advance(LOTTERY, step.state, None)


@pytest.mark.parametrize("scenario", [LOTTERY, NO_CLOSED_MENU])
def test_at_night_it_is_heard_before_the_closed_prompt(scenario: Scenario) -> None:
    first = begin(scenario, is_open=False, incident=POSTPONED)
    assert asked(first).prompts == OPENING
    assert asked(first).wait_s == 0
    closed = advance(scenario, first.state, None)
    assert asked(closed).prompts == ("closed",)
    assert closed.news[0].kind is EventKind.ANNOUNCED
    after = advance(scenario, closed.state, None)
    assert after.news == ()
    if scenario is NO_CLOSED_MENU:
        assert asked(closed).wait_s == LAST_CHANCE_S
        assert after.do == Leave(Next.VOICEMAIL)
    else:
        assert asked(after).prompts == ("menu-closed", "invite-closed-9")


def test_in_a_surge_both_are_heard() -> None:
    first = begin(LOTTERY, is_open=True, surge=True, incident=POSTPONED)
    assert asked(first).prompts == OPENING
    second = advance(LOTTERY, first.state, None)
    assert asked(second).prompts == ("surge",)
    assert asked(advance(LOTTERY, second.state, None)).prompts == ("menu-short", "invite-short-9")
