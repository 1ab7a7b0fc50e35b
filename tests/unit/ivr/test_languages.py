"""Further languages of a scenario: what their files must have, and what a caller of one meets."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ivr.languages import folder_name, in_language
from ivr.menu import Ask, advance, begin
from ivr.scenario_file import BadScenario, load_scenario
from ivr.yaml_lines import Problem
from tests.fakes.scenarios import LOTTERY, RUSSIAN, lottery, write_scenario
from tickets.vocabulary import EventKind

pytestmark = pytest.mark.unit

SHIPPED = load_scenario(LOTTERY)


def problems_with(
    folder: Path,
    russian: str | None = None,
    change: Callable[[dict[str, Any]], object] = lambda content: None,
) -> list[Problem]:
    content = lottery(languages=True)
    change(content)
    write_scenario(content, folder / "scenario.yaml")
    file = folder / "lottery.ru.yaml"
    file.write_text(RUSSIAN.read_text() if russian is None else russian)
    with pytest.raises(BadScenario) as caught:
        load_scenario(folder / "scenario.yaml")
    return caught.value.problems


def russian_with(old: str, new: str) -> tuple[str, int]:
    """The shipped words, changed, and the line of the change."""
    text = RUSSIAN.read_text()
    assert old in text
    return text.replace(old, new, 1), text[: text.index(old)].count("\n") + 1


def test_everything_that_is_said_to_a_russian_caller_is_russian() -> None:
    russian = in_language(SHIPPED, "ru")
    english = dict(SHIPPED.spoken())
    said = {name: prompt.text or "" for name, prompt in russian.spoken()}
    assert said.keys() - SHIPPED.invitations() == english.keys() - SHIPPED.invitations()
    assert all(not set("abcdefghijklmnopqrstuvwxyz") & set(text.lower()) for text in said.values())
    assert said["invite-main-9"] != english["invite-main-8"]
    assert not {*russian.bot.texts()} & {*SHIPPED.bot.texts()}


def test_rules_and_topics_stay_those_of_the_scenario() -> None:
    russian = in_language(SHIPPED, "ru")
    assert [question.topic for question in russian.bot.questions] == [
        question.topic for question in SHIPPED.bot.questions
    ]
    assert (russian.hours, russian.queues, russian.vip) == (SHIPPED.hours, SHIPPED.queues, SHIPPED.vip)
    assert {name: menu.options.keys() for name, menu in russian.menus.items()} == {
        name: menu.options.keys() for name, menu in SHIPPED.menus.items()
    }


def test_a_language_that_it_has_not_leaves_it_as_it_is() -> None:
    assert in_language(SHIPPED, "fr") is SHIPPED
    assert in_language(SHIPPED, "en") is SHIPPED


def test_a_change_of_the_scenario_is_one_for_all_languages() -> None:
    other = SHIPPED.model_copy(update={"duty_phone": "+12025550199"})
    assert in_language(other, "ru").duty_phone == "+12025550199"
    assert in_language(other, "ru").language == "ru"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  please_hold:", "  pleas_hold:", "did you mean 'please_hold'?"),
        ("  goodbye: Спасибо за звонок. Удачи", "  farewell: Удачи", "unknown key 'farewell'"),
        ("voice: auto", "voice: tenor", "write auto, espeak"),
        ("    announce:\n      3:", "    announce:\n      5:", "key 5 announces nothing there"),
        ("  place: Ваше место в очереди {place}.", "  place: Ждите.", "write {place} once"),
        ("    - name: jackpot\n", "    - name: prize\n", "the key 'topic' is missing"),
    ],
)
def test_it_names_the_line_of_a_mistake_in_a_language_file(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    text, line = russian_with(old, new)
    found = problems_with(tmp_path, text)
    fitting = [problem for problem in found if message in problem.message]
    assert fitting, found
    assert fitting[0].file == tmp_path / "lottery.ru.yaml"
    assert abs(fitting[0].line - line) <= 1


@pytest.mark.parametrize(
    ("gone", "message"),
    [
        (("prompts", "connecting"), "the key 'connecting' is missing"),
        (("prompts", "recording_notice"), "the key 'recording_notice' is missing"),
        (("prompts", "call_back_greeting"), "the key 'call_back_greeting' is missing"),
        (("menus", "prizes"), "the menu 'prizes' is missing"),
        (("menus", "main", "announce", 3), "what key 3 announces is missing"),
        (("bot", "go_on"), "the key 'go_on' is missing"),
        (("bot", "questions", 0), "'next_draw' of the scenario is missing"),
        (("bot", "questions", 0, "answer"), "give the question either an `answer:`"),
        (("bot", "questions", 1, "slots"), "'ticket' of the scenario is missing"),
        (("bot", "questions", 1, "slots", 0, "again"), "the key 'again' is missing"),
        (("bot", "lookups", "balance"), "'balance' of the scenario is missing"),
        (("bot", "lookups", "ticket", "failed"), "the key 'failed' is missing"),
        (("bot", "lookups", "ticket", "not_found"), "the key 'say' is missing"),
        (("bot", "lookups", "ticket", "cases", 0), "`when: {'status': 'won'}` of the scenario is missing"),
        (("bot", "identity"), "the key 'identity' is missing"),
        (("waiting",), "callers are told their place"),
    ],
)
def test_it_names_what_a_language_file_lacks(tmp_path: Path, gone: tuple[Any, ...], message: str) -> None:
    words = yaml.safe_load(RUSSIAN.read_text())
    part = words
    for key in gone[:-1]:
        part = part[key]
    del part[gone[-1]]
    found = problems_with(tmp_path, yaml.safe_dump(words, allow_unicode=True))
    assert [problem for problem in found if message in problem.message], found


def test_it_finds_a_language_file_that_is_not_there(tmp_path: Path) -> None:
    write_scenario(lottery(languages=True), tmp_path / "scenario.yaml")
    (tmp_path / "lottery.ru.yaml").unlink()
    with pytest.raises(BadScenario, match=r"lottery\.ru\.yaml, line 1: cannot be read"):
        load_scenario(tmp_path / "scenario.yaml")


def test_it_finds_a_key_and_a_line_in_a_language_that_it_has_not(tmp_path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        content["menus"]["main"]["options"][9]["language"] = "fr"
        content["lines"] = {"+18005550100": "en", "+18005550101": "de"}

    found = {problem.where: problem.message for problem in problems_with(tmp_path, change=change)}
    assert "there is no language 'fr'; it has en, ru" in found["menus.main.options.9"]
    assert "there is no language 'de'" in found["lines.+18005550101"]


def test_it_takes_no_two_languages_that_the_pbx_cannot_tell_apart(tmp_path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        content["languages"] = {"ru": "lottery.ru.yaml", "en-GB": "lottery.ru.yaml"}

    [problem] = problems_with(tmp_path, change=change)
    assert "cannot tell it from en" in problem.message
    assert folder_name("en-GB") == folder_name("en")


def test_a_line_may_have_its_language(tmp_path: Path) -> None:
    content = lottery(languages=True)
    content["lines"] = {"+18005550100": None, "+18005550101": "ru"}
    scenario = load_scenario(write_scenario(content, tmp_path / "scenario.yaml"))
    assert scenario.lines == ("+18005550100", "+18005550101")
    assert scenario.line_languages == {"+18005550101": "ru"}


def test_who_presses_the_key_of_a_language_hears_the_menu_again_in_it() -> None:
    menu = advance(SHIPPED, begin(SHIPPED, is_open=True).state, None)
    assert isinstance(menu.do, Ask)
    assert menu.do.prompts == ("menu-main", "invite-main-9")
    russian = advance(SHIPPED, menu.state, "9")
    assert russian.state.language == "ru"
    assert isinstance(russian.do, Ask)
    assert russian.do.prompts == ("recording_notice", "menu-main", "invite-main-8")
    assert (EventKind.LANGUAGE, {"language": "ru", "how": "key"}) in [
        (news.kind, news.data) for news in russian.news
    ]
    prizes = advance(SHIPPED, russian.state, "2")
    assert prizes.state.language == "ru"
    back = advance(SHIPPED, advance(SHIPPED, prizes.state, "*").state, "8")
    assert back.state.language == "en"
    assert isinstance(back.do, Ask)
    assert back.do.prompts == ("recording_notice", "menu-main", "invite-main-9")


def test_a_caller_whose_language_is_known_begins_in_it() -> None:
    menu = advance(SHIPPED, begin(SHIPPED, is_open=False, language="ru").state, None)
    assert isinstance(menu.do, Ask)
    assert menu.do.prompts == ("menu-closed", "invite-closed-8")
