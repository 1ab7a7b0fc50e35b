"""The scenario file: the shipped one is sound, and each mistake is named with its line."""

import io
import shutil
import wave
from pathlib import Path

import pytest

from ivr.call_back_rules import PROMPTS
from ivr.scenario import Hours
from ivr.scenario_file import MAX_BYTES, BadScenario, load_scenario
from ivr.yaml_lines import Problem
from tests.fakes.scenarios import RUSSIAN, lottery, write_scenario

pytestmark = pytest.mark.unit

LOTTERY = Path("scenarios/lottery.yaml")


def problems_of(tmp_path: Path, content: str | bytes) -> list[Problem]:
    path = tmp_path / "scenario.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BadScenario) as caught:
        load_scenario(path)
    return caught.value.problems


def lottery_with(old: str, new: str) -> str:
    text = LOTTERY.read_text()
    assert text.count(old) >= 1
    return text.replace(old, new, 1)


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_it_reads_the_shipped_lottery() -> None:
    scenario = load_scenario(LOTTERY)
    assert scenario.default_queue == "support"
    assert scenario.queues["support"].operators == ("101", "102")
    assert scenario.lines == ("+18005550100",)
    assert scenario.hours.weekly["mon-sun"].spans[0].end.hour == 22
    assert all(len(question.phrases) >= 6 for question in scenario.bot.questions)


def test_it_reads_the_shipped_delivery_that_is_to_be_copied() -> None:
    scenario = load_scenario(LOTTERY.with_name("delivery.yaml"))
    assert scenario.operators == {"101": "Anna Petrova", "102": "Boris Orlov"}
    assert scenario.default_queue == "support"


def test_it_gives_vips_the_priority_of_the_highest_level_not_above_theirs() -> None:
    scenario = load_scenario(LOTTERY)
    assert [scenario.priority(level) for level in (0, 1, 2, 3, 7)] == [0, 10, 20, 30, 30]


def test_it_can_be_copied_with_other_hours() -> None:
    always = load_scenario(LOTTERY).model_copy(update={"hours": Hours.always()})
    assert always.hours.open == "24/7"


@pytest.mark.parametrize(
    ("old", "new", "at", "message"),
    [
        ("timezone:", "timezon:", "timezon:", "did you mean 'timezone'?"),
        ("timezone: America/New_York", "timezone: Mars/Base", "timezone: Mars", "IANA"),
        ("name: Lucky Star Lottery\n", "", "language: en", "'name' is missing"),
        ("timeout_s: 5 ", "timeout_s: soon ", "timeout_s: soon", "valid integer"),
        ("menu: prizes", "menu: prices", "2:\n        menu: prices", "there is no menu 'prices'"),
        ("queue: support", "queue: suport", "2:\n        queue: suport", "there is no queue 'suport'"),
        ("1: bot", "0: bot", "0: bot", "0 is always the operator"),
        ("1: bot", "12: bot", "12: bot", "1 to 9"),
        ("1: bot", "1: robot", "1: robot", "bot"),
        ("4: voicemail", "4: voicemail\n      1: bot", "1: bot\n      8:", "stands here twice"),
        ("operators: [101, 102]", "operators: [101, 103]", "operators: [101, 103]", "no operator 103"),
        ("102: Ben Carter", "102: Ben Carter\n  103: Eve", "103: Eve", "no queue"),
        ("102: Ben Carter", '102: "Ben\\nCarter"', '102: "Ben', "match pattern"),
        ("mon-sun: 08:00-22:00", "mon-sun: eight to ten", "mon-sun: eight", "08:00-22:00"),
        ("mon-sun: 08:00-22:00", "mon-sun: 08:00-25:00", "mon-sun: 08:00-25", "does not exist"),
        ("mon-sun: 08:00-22:00", "mon-sun: 08:00-22:00\n    sat: closed", "weekly:", "each day once"),
        ("mon-sun: 08:00-22:00", "montag: 08:00-22:00", "weekly:", "mon, tue"),
        ("  weekly:", "  open: 24/7\n  weekly:", "hours:", "either `open: 24/7`"),
        ("country: US", "country: XX", "holidays:", "no holidays are known for XX"),
        ("closed_menu: closed", "closed_menu: night", "closed_menu: night", "no menu 'night'"),
        ("2026-12-31:", "2026-13-31:", "2026-13-31", "date"),
        ("greeting: Hello", "greeting: {}\n  x: Hello", "greeting: {}", "a text, or a file"),
        ("then: menu", "then: dance", "then: dance", "'menu' or 'goodbye'"),
        ("        menu: prizes", "        menu: prizes\n        queue: support", "2:\n", "exactly one of"),
        ("        menu: prizes", "        menu: prizes\n        then: menu", "2:\n", "announcement only"),
        ("language: en", "language: en\nvoice: [loud]", "voice: [loud]", "valid string"),
        ("language: en", "language: en\nvoice: loud", "voice: loud", "auto, espeak"),
        ("language: en", "language: en\nbot_files: {song: a.wav}", "bot_files: {song", "named 'song'"),
        ("answer: One ticket costs two dollars.", "anwser: x", "anwser: x", "did you mean 'answer'?"),
        ("60, speed: 12", "60, speed: 4", "2: {head_start_s: 60", "slower than level 1 (8)"),
        ("60, speed: 12", "20, speed: 12", "2: {head_start_s: 20", "less than that of level 1 (30 s)"),
        ("30, speed: 8", "0, speed: 1", "1: {head_start_s: 0", "nothing sets this level apart"),
        ("30, speed: 8", "30, speed: 0.5", "1: {head_start_s: 30", "greater than or equal to 1"),
        ("30, speed: 8", "30, sped: 8", "1: {head_start_s: 30", "did you mean 'speed'?"),
        ("most_in_ten: 5", "most_in_ten: 10", "most_in_ten: 10", "less than or equal to 9"),
        ("menu: short", "menu: brief", "menu: brief", "there is no menu 'brief'"),
        ("    waiting: 5\n", "    waiting: 12\n", "surge:  ", "must be lower than `begins_at`; waiting"),
    ],
)  # fmt: skip
def test_it_names_the_line_of_a_mistake(tmp_path: Path, old: str, new: str, at: str, message: str) -> None:
    text = lottery_with(old, new)
    found = problems_of(tmp_path, text)
    fitting = [problem for problem in found if message in problem.message]
    assert fitting, found
    assert fitting[0].line == (line_of(text, at))


def test_it_names_all_mistakes_at_once(tmp_path: Path) -> None:
    text = LOTTERY.read_text().replace("ring_s: 15", "ring_s: 0").replace("repeat: 2", "repeat: lots")
    assert len(problems_of(tmp_path, text)) == 2


def test_it_finds_a_menu_that_no_key_leads_to(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, lottery_with("menu: prizes", "queue: support"))
    assert "no key leads to the menu 'prizes'" in problem.message


@pytest.mark.parametrize("name", PROMPTS)
def test_it_finds_words_that_an_offered_call_back_lacks(tmp_path: Path, name: str) -> None:
    lines = LOTTERY.read_text().splitlines()
    text = "\n".join(line for line in lines if not line.startswith(f"  {name}:"))
    (problem,) = problems_of(tmp_path, text)
    assert f"add `{name}:` under `prompts:`" in problem.message
    assert problem.line == line_of(text, "call_back:  ")


def test_who_offers_no_call_back_needs_no_words_for_it(tmp_path: Path) -> None:
    content = lottery()
    del content["call_back"]
    content["prompts"] = {
        name: text for name, text in content["prompts"].items() if not name.startswith("call_back_")
    }
    scenario = load_scenario(write_scenario(content, tmp_path / "scenario.yaml"))
    assert scenario.call_back is None
    assert "call_back_greeting" not in scenario.static_texts()


def test_it_finds_a_surge_prompt_that_nobody_would_hear(tmp_path: Path) -> None:
    text = LOTTERY.read_text()
    section = text[text.index("surge:  ") : text.index("operators:\n")]
    found = problems_of(tmp_path, text.replace(section, ""))
    messages = {problem.line: problem.message for problem in found}
    assert "nobody would hear it" in messages[line_of(text, "  surge: Very many")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "empty"),
        ("# only a comment\n", "empty"),
        ("- a\n- b\n", "write a scenario"),
        ("just words", "write a scenario"),
        ("a: [1, 2", "not YAML"),
        ("a: b: c", "not YAML"),
        ("a: \x07", "not YAML"),
        (b"name: \xff\xfe", "not UTF-8"),
        ("? {a: b}\n: c", "a key must be"),
        ("a: &x [*x]", "nested too deeply"),
        ("[" * 3_000, "nested too deeply"),
        ("x" * (MAX_BYTES + 1), "larger than"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_it_refuses_what_is_no_scenario_with_a_sentence(
    tmp_path: Path, content: str | bytes, message: str
) -> None:
    assert message in problems_of(tmp_path, content)[0].message


def test_it_stops_at_aliases_that_grow_without_end(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert "fewer aliases" in problems_of(tmp_path, "\n".join(lines))[0].message


def test_it_says_that_a_missing_file_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BadScenario, match="cannot be read"):
        load_scenario(tmp_path / "nowhere.yaml")


def test_it_refuses_a_queue_that_the_pbx_would_take_for_settings(tmp_path: Path) -> None:
    text = LOTTERY.read_text().replace("queue: support", "queue: general").replace("  support:", "  general:")
    (problem,) = problems_of(tmp_path, text)
    assert "give the queue another name" in problem.message
    assert problem.line == line_of(text, "  general:")


def test_it_takes_recorded_files_beside_the_scenario(tmp_path: Path) -> None:
    (tmp_path / "hello.wav").write_bytes(a_wav(80))
    text = lottery_with("greeting: Hello, this is Lucky Star Lottery.", "greeting: {file: hello.wav} #")
    (tmp_path / "scenario.yaml").write_text(text)
    shutil.copy(RUSSIAN, tmp_path)
    assert load_scenario(tmp_path / "scenario.yaml").prompts.greeting.file == tmp_path / "hello.wav"


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read"), (b"ID3 not a wave", "not a plain"), ("empty", "no sound")],
)
def test_it_checks_recorded_files(tmp_path: Path, content: bytes | str | None, message: str) -> None:
    if content is not None:
        (tmp_path / "hello.wav").write_bytes(content if isinstance(content, bytes) else a_wav(0))
    text = lottery_with("greeting: Hello, this is Lucky Star Lottery.", "greeting: {file: hello.wav} #")
    (problem,) = problems_of(tmp_path, text)
    assert message in problem.message
    assert problem.line == line_of(text, "greeting: {file")


def a_wav(frames: int) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(2 * frames))
    return buffer.getvalue()
