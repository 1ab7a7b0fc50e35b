"""The menu as a state machine: nobody is trapped in it, and zero is a person everywhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.call_back_rules import PROMPTS as CALL_BACK_PROMPTS
from ivr.menu import MAX_STEPS, Ask, Leave, Next, Step, advance, begin
from ivr.scenario import Hours, Scenario
from ivr.scenario_file import load_scenario
from tests.conftest import FIRST_PROMISE
from tickets.vocabulary import EventKind, HandOver

pytestmark = pytest.mark.unit

LOTTERY = load_scenario(Path("scenarios/lottery.yaml"))
MAIN = ("menu-main", "invite-main-9")  # who hears it in English is invited to Russian
NO_CLOSED_MENU = LOTTERY.model_copy(
    update={"hours": Hours.model_validate({"weekly": {"mon": "08:00-09:00"}})}
)


def walk(scenario: Scenario, keys: list[str | None], *, is_open: bool = True) -> list[Step]:
    steps = [begin(scenario, is_open=is_open)]
    for key in keys:
        steps.append(advance(scenario, steps[-1].state, key))
    return steps


def asked(step: Step) -> Ask:
    assert isinstance(step.do, Ask)
    return step.do


def every_place(scenario: Scenario, *, is_open: bool, surge: bool = False) -> Iterator[Step]:
    """Each different place that a caller can reach, once."""
    seen: set[object] = set()
    waiting = [begin(scenario, is_open=is_open, surge=surge)]
    while waiting:
        step = waiting.pop()
        place = (step.state.stage, step.state.menu, step.state.tries, step.state.digit, step.do)
        if isinstance(step.do, Leave) or place in seen:
            continue
        seen.add(place)
        yield step
        for key in [None, *step.do.keys.replace("0", "")]:
            waiting.append(advance(scenario, step.state, key))


@pytest.mark.parametrize("scenario", [LOTTERY, NO_CLOSED_MENU])
@pytest.mark.parametrize("is_open", [True, False])
@pytest.mark.parametrize("surge", [True, False])
def test_it_gives_an_operator_for_zero_at_every_prompt(
    scenario: Scenario, is_open: bool, surge: bool
) -> None:
    places = list(every_place(scenario, is_open=is_open, surge=surge))
    assert len(places) >= 1
    for step in places:
        assert "0" in asked(step).keys
        after = advance(scenario, step.state, "0")
        assert after.do == Leave(Next.OPERATOR, "support", HandOver.PRESSED_ZERO)


def test_it_reaches_every_prompt_of_the_scenario() -> None:
    heard = {
        name
        for is_open in (True, False)
        for surge in (True, False)
        for step in every_place(LOTTERY, is_open=is_open, surge=surge)
        for name in asked(step).prompts
    }
    elsewhere = {*LOTTERY.static_texts(), *CALL_BACK_PROMPTS}  # played by the dialplan, or while waiting
    assert heard == {*(name for name, _ in LOTTERY.spoken()), *LOTTERY.invitations()} - elsewhere


@FIRST_PROMISE
@given(
    st.lists(st.sampled_from([None, *"123456789*#"]), min_size=MAX_STEPS, max_size=MAX_STEPS), st.booleans()
)
def test_it_lets_nobody_walk_round_for_ever(keys: list[str | None], is_open: bool) -> None:
    step = begin(LOTTERY, is_open=is_open)
    for key in keys:
        if isinstance(step.do, Leave):
            break
        step = advance(LOTTERY, step.state, key)
    assert isinstance(step.do, Leave)


def test_it_greets_tells_about_the_recording_and_opens_the_menu() -> None:
    intro, menu = walk(LOTTERY, [None])
    assert asked(intro).prompts == ("greeting", "recording_notice")
    assert asked(menu) == Ask(MAIN, "0123456789*#", 5)
    assert [news.kind for news in intro.news + menu.news] == [EventKind.MENU_ENTERED]


def test_in_a_surge_it_says_so_and_opens_the_shorter_menu() -> None:
    intro = begin(LOTTERY, is_open=True, surge=True)
    assert asked(intro).prompts == ("greeting", "recording_notice", "surge")
    assert asked(advance(LOTTERY, intro.state, None)).prompts == ("menu-short", "invite-short-9")


def test_a_surge_changes_nothing_out_of_hours_or_without_rules_for_it() -> None:
    assert begin(LOTTERY, is_open=False, surge=True) == begin(LOTTERY, is_open=False)
    no_rules = LOTTERY.model_copy(
        update={"surge": None, "prompts": LOTTERY.prompts.model_copy(update={"surge": None})}
    )
    assert begin(no_rules, is_open=True, surge=True) == begin(no_rules, is_open=True)


def test_it_lets_who_knows_the_menu_press_ahead_but_ignores_dead_keys() -> None:
    intro = begin(LOTTERY, is_open=True)
    assert set(asked(intro).keys) == set("0123489")
    bot = advance(LOTTERY, intro.state, "1")
    assert bot.do == Leave(Next.BOT)
    assert [news.kind for news in bot.news] == [EventKind.MENU_CHOICE]


def test_it_repeats_the_menu_and_then_gives_an_operator() -> None:
    steps = walk(LOTTERY, [None, None, None, None])
    assert asked(steps[2]).prompts == ("no_input", *MAIN)
    assert asked(steps[3]).prompts == ("no_input", *MAIN)
    assert steps[4].do == Leave(Next.OPERATOR, "support", HandOver.NO_INPUT)


def test_it_says_that_a_key_is_not_in_use_and_counts_it_as_a_try() -> None:
    steps = walk(LOTTERY, [None, "7", None, "#"])
    assert asked(steps[2]).prompts == ("invalid", *MAIN)
    assert steps[4].do == Leave(Next.OPERATOR, "support", HandOver.NO_INPUT)


def test_it_goes_into_a_sub_menu_and_back() -> None:
    steps = walk(LOTTERY, [None, "2", "*"])
    assert asked(steps[2]).prompts == ("menu-prizes",)
    assert [news.data for news in steps[2].news] == [{"menu": "main", "digit": "2"}, {"menu": "prizes"}]
    assert asked(steps[3]).prompts == MAIN


def test_it_leads_a_key_to_a_queue() -> None:
    assert walk(LOTTERY, [None, "2", "2"])[-1].do == Leave(Next.OPERATOR, "support", HandOver.MENU_CHOICE)


def test_it_counts_an_announcement_as_told_only_when_it_was_heard_out() -> None:
    heard_out = walk(LOTTERY, [None, "3", None])[-1]
    assert asked(heard_out).prompts == MAIN
    assert (EventKind.ANNOUNCED, {"menu": "main", "option": "Winning numbers"}) in [
        (news.kind, news.data) for news in heard_out.news
    ]
    cut_short = walk(LOTTERY, [None, "3", "1"])[-1]
    assert cut_short.do == Leave(Next.BOT)
    assert EventKind.ANNOUNCED not in [news.kind for news in cut_short.news]


def test_it_says_good_bye_after_a_last_announcement() -> None:
    steps = walk(LOTTERY, [None, "2", "1", None, None])
    assert asked(steps[4]).prompts == ("goodbye",)
    assert steps[5].do == Leave(Next.BYE)


def test_it_offers_the_closed_menu_out_of_hours() -> None:
    intro, menu, gone = walk(LOTTERY, [None, "2"], is_open=False)
    assert asked(intro).prompts == ("greeting", "recording_notice", "closed")
    assert asked(menu).prompts == ("menu-closed", "invite-closed-9")
    assert gone.do == Leave(Next.VOICEMAIL)


def test_it_wakes_nobody_for_a_silent_caller_out_of_hours() -> None:
    assert walk(LOTTERY, [None] * 4, is_open=False)[-1].do == Leave(Next.VOICEMAIL)


def test_it_waits_a_moment_for_the_zero_before_voicemail() -> None:
    intro, gone = walk(NO_CLOSED_MENU, [None], is_open=False)
    assert asked(intro).wait_s > 0
    assert gone.do == Leave(Next.VOICEMAIL)
