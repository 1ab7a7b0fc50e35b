import asyncio
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cti.bot.teacher import NotLearnt, Teacher
from ivr.scenario_file import load_scenario
from tests.fakes.conversation_parts import FakeEar, FakeLine, FakeVoice
from tests.fakes.scripts import trained
from tickets.database import DatabaseAway
from tickets.events import CallEvent
from tickets.taught import TaughtPhrase
from voicebot.conversation import Conversation
from voicebot.dialogue import Dialogue
from voicebot.script import BotScript
from voicebot.understanding import Kind, Understanding

pytestmark = pytest.mark.unit

SCRIPT = load_scenario(Path(__file__).parents[3] / "scenarios" / "lottery.yaml").bot
WORDS = "my slip got wet can your people still read the bar code"


def phrase(question: str, words: str, language: str = "en", number: int = 1) -> TaughtPhrase:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    return TaughtPhrase(number, question, words, language, now, "sofia", None, None)


class Records:
    """What was taught, as the book has it."""

    def __init__(self, *phrases: TaughtPhrase) -> None:
        self.phrases = list(phrases)
        self.trained = 0
        self.away = False
        self.was_read = asyncio.Event()

    async def standing(self) -> list[TaughtPhrase]:
        self.was_read.set()
        if self.away:
            raise DatabaseAway("The database failed (gone): check that it runs.")
        return self.phrases

    def train(self, script: BotScript, language: str) -> Understanding:
        self.trained += 1
        if any("poison" in words for question in script.questions for words in question.phrases):
            raise ValueError("cannot be learnt")
        return trained(script)

    def teacher(self) -> Teacher:
        return Teacher({"en": SCRIPT}, self.standing, self.train)


async def test_the_running_bot_learns_and_forgets_while_a_conversation_keeps_what_it_began_with() -> None:
    records = Records()
    teacher = records.teacher()
    before = teacher.understanding()
    records.phrases = [phrase("check_ticket", WORDS)]
    await teacher.learn()
    assert teacher.understanding().classify(WORDS).name == "check_ticket"
    assert teacher.script("en") is not SCRIPT
    assert WORDS in teacher.script("en").wordings()
    assert before.classify(WORDS).kind is Kind.OUT_OF_SCOPE
    records.phrases = []
    await teacher.learn()
    assert teacher.understanding().classify(WORDS).kind is Kind.OUT_OF_SCOPE
    assert teacher.age == 2


async def test_a_caller_gets_the_answer_that_a_phrase_was_taught_for(tmp_path: Path) -> None:
    words = "what is the damage for a slip"
    records = Records(phrase("ticket_price", words))
    teacher = records.teacher()
    said: dict[int, list[object]] = {}
    for taught in (0, 1):
        line, events = FakeLine(), list[CallEvent]()
        talk = Conversation(
            "pz-1.1",
            ear=FakeEar(),  # type: ignore[arg-type]
            understanding=teacher.understanding(),
            dialogue=Dialogue(SCRIPT),
            voice=FakeVoice(tmp_path),
            publish=events.append,
            clock=lambda: datetime(2026, 11, 21, tzinfo=UTC),
        )
        line.says(words)
        line.says("operator")
        async with asyncio.timeout(10):
            await talk.run(line)
        said[taught] = [event.data["intent"] for event in events if event.data.get("speaker") == "bot"]
        await teacher.learn()
    assert "answer:ticket_price" not in said[0]
    assert "answer:ticket_price" in said[1]


async def test_it_trains_only_when_something_has_changed() -> None:
    records = Records(phrase("check_ticket", WORDS))
    teacher = records.teacher()
    for _ in range(3):
        await teacher.learn()
    assert records.trained == 2  # the scenario alone, and with the phrase


async def test_phrases_that_cannot_be_learnt_leave_the_bot_as_it_was() -> None:
    records = Records(phrase("check_ticket", "poison"))
    teacher = records.teacher()
    with pytest.raises(NotLearnt, match="goes on with what it knew"):
        await teacher.learn()
    assert teacher.understanding().classify("when is the next draw").name == "next_draw"


async def test_it_never_learns_twice_at_a_time_and_keeps_what_took_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    records, may_end = Records(phrase("check_ticket", WORDS)), threading.Event()
    teacher = records.teacher()
    at_work, most = 0, 0

    def slowly(script: BotScript, language: str) -> Understanding:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        assert may_end.wait(10)
        at_work -= 1
        return records.train(script, language)

    teacher._train = slowly
    monkeypatch.setattr("cti.bot.teacher.LEARN_WITHIN_S", 0.05)
    with pytest.raises(NotLearnt):
        await teacher.learn()
    with pytest.raises(NotLearnt):  # the same again: still at it
        await teacher.learn()
    records.phrases.append(phrase("ticket_price", "what is the damage"))
    with pytest.raises(NotLearnt):  # another lesson waits for the first
        await teacher.learn()
    records.phrases.pop()
    monkeypatch.setattr("cti.bot.teacher.LEARN_WITHIN_S", 10.0)
    may_end.set()
    await teacher.learn()
    assert teacher.understanding().classify(WORDS).name == "check_ticket"
    assert (most, records.trained) == (1, 2)  # the scenario alone, and one lesson


async def test_it_goes_on_without_its_records_and_learns_when_they_are_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cti.bot.teacher.RELOAD_EVERY_S", 0.001)
    records = Records(phrase("check_ticket", WORDS))
    records.away = True
    teacher = records.teacher()
    task = asyncio.create_task(teacher.run())
    await records.was_read.wait()
    assert teacher.age == 0
    assert teacher.understanding().classify("when is the next draw").name == "next_draw"
    records.away = False
    for _ in range(4000):
        if teacher.age:
            break
        await asyncio.sleep(0.005)
    assert teacher.understanding().classify(WORDS).name == "check_ticket"
    task.cancel()
    await asyncio.wait([task])


async def test_a_phrase_whose_question_or_language_has_left_the_scenario_is_unused() -> None:
    gone, foreign = phrase("sold_out", "is it sold out"), phrase("check_ticket", "est-ce que", "fr")
    records = Records(gone, foreign)
    teacher = records.teacher()
    await teacher.learn()
    assert not teacher.uses(gone)
    assert not teacher.uses(foreign)
    assert teacher.uses(phrase("check_ticket", WORDS))


async def test_languages_are_taught_apart() -> None:
    records = Records(phrase("check_ticket", WORDS, "ru"))
    teacher = Teacher({"en": SCRIPT, "ru": SCRIPT}, records.standing, records.train)
    await teacher.learn()
    assert teacher.understanding("en").classify(WORDS).kind is Kind.OUT_OF_SCOPE
    assert teacher.understanding("ru").classify(WORDS).name == "check_ticket"
    assert teacher.understanding("fr") is teacher.understanding("en")
    assert teacher.languages == ("en", "ru")
