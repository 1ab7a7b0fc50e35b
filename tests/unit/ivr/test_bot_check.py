"""`presszero check` on the bot's slots, look-ups, identity and follow-ups: every mistake with its line."""

import re
import shutil
from pathlib import Path

import pytest

from ivr.scenario_file import BadScenario, load_scenario
from tests.fakes.scenarios import RUSSIAN

pytestmark = pytest.mark.unit

LOTTERY = (Path(__file__).parents[3] / "scenarios" / "lottery.yaml").read_text()


def faults(folder: Path, *changes: tuple[str, str]) -> list[tuple[str, str]]:
    """The lottery with these changes: the text of each line that is wrong, and why."""
    content = LOTTERY
    for before, after in changes:
        assert content.count(before) >= 1, before
        content = content.replace(before, after, 1)
    path = folder / "scenario.yaml"
    path.write_text(content)
    shutil.copy(RUSSIAN, folder)
    try:
        load_scenario(path)
    except BadScenario as error:
        lines = content.splitlines()
        return [(lines[problem.line - 1].strip(), problem.message) for problem in error.problems]
    return []


def test_the_lottery_has_none(tmp_path: Path):
    assert faults(tmp_path) == []


@pytest.mark.parametrize(
    ("before", "after", "line", "why"),
    [
        ("lookup: ticket\n", "lookup: tickets\n", "lookup: tickets", "no look-up 'tickets'"),
        ("I heard {ticket}.", "I heard {tickett}.", "confirm: I heard {tickett}.", "known here as {tickett}"),
        ("I heard {ticket}.", "I heard you.", "confirm: I heard you.", "say the value back"),
        ("path: tickets/{ticket}", "path: tickets/{code}", "lookup: ticket", "needs {code}"),
        ("won {prize} dollars", "won {price} dollars", "say: Congratulations!", "known here as {price}"),
        ("when: {status: lost}", "when: {state: lost}", "- when: {state: lost}", "has no field 'state'"),
        ("ask_again: ticket", "ask_again: code", "ask_again: code", "has no slot 'code'"),
        ("when: {same: true}", "when: {alike: true}", "when: {alike: true}", "has no field 'alike'"),
        ("    lookup: player\n", "    lookup: gamer\n", "lookup: gamer", "no look-up 'gamer'"),
        ("follows: check_ticket", "follows: check", "follows: check", "no question 'check'"),
        ("follows: opening_hours", "follows: where_to_collect", "follows: where", "follow-up of a"),
        ("length: 8", "length: 80", "length: 80", "less than or equal to 32"),
        ("          length: 8\n", "", "- name: ticket", "how many digits"),
        ("kind: digits            # said", "kind: numbers            # said", "kind: numbers", "'digits'"),
        ("Is that right?", "Is {that right?", "confirm: I heard {ticket}. Is {that", "no other braces"),
        ("deadline_s: 2 ", "deadline_s: 200 ", "deadline_s: 200", "less than or equal to 10"),
        ("path: balances/{player}", "path: /balances", "path: /balances", "match pattern"),
        ("      lookup: balance\n", "", "- name: account_balance", "`answer:` or a `lookup:`"),
        ("good luck. Goodbye!", "good luck with {ticket}.", "goodbye: Thank", "known here as {ticket}"),
        ("      - name: birth\n", "      - name: account\n", "- name: account", "known already"),
        ("fields: {same: matches", "feilds: {same: matches", "feilds:", "did you mean 'fields'?"),
        ("  and_then: Yes, and then?", "  bot: 1", "bot: 1", "unknown key"),
    ],
)  # fmt: skip
def test_it_names_each_mistake_with_its_line(tmp_path: Path, before: str, after: str, line: str, why: str):
    found = faults(tmp_path, (before, after))
    assert any(line in where and why in message for where, message in found), found


def test_it_wants_an_identity_check_for_a_private_question(tmp_path: Path):
    without = re.sub(r"(?ms)^  identity:.*?^  questions:", "  questions:", LOTTERY)
    path = tmp_path / "scenario.yaml"
    path.write_text(without)
    with pytest.raises(BadScenario) as caught:
        load_scenario(path)
    assert any("`identity:`" in problem.message for problem in caught.value.problems)


def test_it_misses_a_use_for_what_nothing_uses(tmp_path: Path):
    found = faults(tmp_path, ("      private: true\n      phrases", "      phrases"))
    assert any("no question is `private: true`" in message for _, message in found)
    found = faults(tmp_path, ("      lookup: balance\n", "      answer: It is fine.\n"))
    assert ("balance:", "no question asks it; give one `lookup: balance`, or remove it") in found
