import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.fakes.conversation_parts import FakeEar, FakeLine, FakeVoice
from tests.fakes.scripts import trained
from tickets.events import CallEvent
from tickets.vocabulary import EventKind, HandOver
from voicebot import conversation, listening, speaking
from voicebot.conversation import Conversation
from voicebot.dialogue import Dialogue
from voicebot.lookup import Answer, Found, LookUp
from voicebot.media import MediaPort
from voicebot.outcome import Ending, Outcome
from voicebot.recognizers.port import RecogniserFailed, RecogniserLate
from voicebot.script import BotScript, ThumbsQuestion

pytestmark = pytest.mark.unit

SCRIPT = BotScript.model_validate(
    {
        "questions": [
            {
                "name": "next_draw",
                "topic": "Next draw",
                "phrases": ["when is the next draw", "what time is the draw", "next drawing"],
                "answer": "On Saturday at eight.",
            },
            {
                "name": "ticket_price",
                "topic": "Ticket price",
                "phrases": ["how much is a ticket", "what does a ticket cost", "ticket price"],
                "answer": "Two dollars.",
            },
        ]
    }
)
UNDERSTANDING = trained(SCRIPT)


class Call:
    """A conversation with its surroundings."""

    def __init__(
        self, folder: Path, *, slow: bool = False, limit_s: float = 30.0, script: BotScript = SCRIPT
    ) -> None:
        self.line = FakeLine(slow=slow)
        self.ear = FakeEar()
        self.voice = FakeVoice(folder)
        self.events: list[CallEvent] = []
        self.conversation = Conversation(
            "pz-1.1",
            ear=self.ear,  # type: ignore[arg-type]
            understanding=UNDERSTANDING,
            dialogue=Dialogue(script),
            voice=self.voice,
            publish=self.events.append,
            clock=lambda: datetime(2026, 11, 21, 20, 0, tzinfo=UTC),
            limit_s=limit_s,
        )

    async def run(self) -> Outcome:
        async with asyncio.timeout(5):
            return await self.conversation.run(self.line)

    def said_by_bot(self) -> list[object]:
        return [e.data["intent"] for e in self.events if e.data.get("speaker") == "bot"]

    def kinds(self) -> list[EventKind]:
        said = (EventKind.BOT_TURN, EventKind.BOT_LEARNT)
        return [event.kind for event in self.events if event.kind not in said]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(3):
        while not condition():  # noqa: ASYNC110 - the fakes have no event for it
            await asyncio.sleep(0.001)


async def test_it_answers_and_says_goodbye(tmp_path: Path):
    call = Call(tmp_path)
    call.line.says("when is the next draw")
    call.line.says("no thank you")
    outcome = await call.run()
    assert outcome == Outcome(Ending.ANSWERED, topic="Next draw", heard="no thank you")
    assert call.said_by_bot() == ["greeting", "answer:next_draw", "anything_else", "goodbye"]
    assert call.kinds() == [EventKind.BOT_STARTED, EventKind.BOT_ENDED]
    assert call.events[-1].data == {"answered": True, "topic": "Next draw"}


async def test_it_tells_the_ledger_every_turn_once_and_in_order(tmp_path: Path):
    call = Call(tmp_path)
    call.line.says("how much is a ticket")
    call.line.says("bye")
    await call.run()
    assert len({event.source_id for event in call.events}) == len(call.events)
    assert [event.sequence for event in call.events] == list(range(1, len(call.events) + 1))
    caller = next(event for event in call.events if event.data.get("speaker") == "caller")
    assert caller.data["text"] == "how much is a ticket"
    assert caller.data["intent"] == "ticket_price"
    assert caller.data["offset_seconds"] == 1.0


async def test_it_tells_the_ledger_whether_it_helped_and_keeps_the_reply_apart_from_questions(
    tmp_path: Path,
):
    script = SCRIPT.model_copy(update={"thumbs": ThumbsQuestion(ask="One or two?", offer="A person?")})
    call = Call(tmp_path, script=script)
    task = asyncio.create_task(call.run())
    call.line.says("when is the next draw")
    call.line.says("no thank you")
    await until(lambda: "thumbs" in call.said_by_bot())
    call.line.says("number two")
    await until(lambda: "thumbs_offer" in call.said_by_bot())
    call.line.presses("2")
    assert await task == Outcome(Ending.ANSWERED, topic="Next draw", heard="number two")
    (thumb,) = [event for event in call.events if event.kind is EventKind.BOT_THUMB]
    assert thumb.data == {"up": False, "question": "next_draw"}
    assert call.said_by_bot()[-3:] == ["thumbs", "thumbs_offer", "goodbye"]
    assert [e.data["intent"] for e in call.events if e.data.get("speaker") == "caller"][-1] == "reply"


async def test_a_caller_who_hangs_up_instead_of_judging_was_answered(tmp_path: Path):
    script = SCRIPT.model_copy(update={"thumbs": ThumbsQuestion(ask="One or two?")})
    call = Call(tmp_path, script=script)
    task = asyncio.create_task(call.run())
    call.line.says("when is the next draw")
    call.line.says("no thank you")
    await until(lambda: "thumbs" in call.said_by_bot())
    call.line.hangs_up()
    outcome = await task
    assert (outcome.ending, outcome.topic, outcome.hung_up) == (Ending.ANSWERED, "Next draw", True)
    assert EventKind.BOT_THUMB not in call.kinds()


async def test_it_hands_over_whoever_asks_for_a_person(tmp_path: Path):
    call = Call(tmp_path)
    call.line.says("let me talk to somebody")
    outcome = await call.run()
    assert outcome == Outcome.to_operator(HandOver.ASKED, heard="let me talk to somebody")
    assert call.kinds() == [EventKind.BOT_STARTED, EventKind.BOT_ENDED, EventKind.HANDED_OVER]
    assert call.events[-1].data == {"reason": "asked"}


async def test_it_lets_zero_win_while_the_bot_speaks(tmp_path: Path):
    call = Call(tmp_path, slow=True)
    running = asyncio.create_task(call.run())
    await until(lambda: call.line.playing)
    call.line.presses("0")
    assert (await running).reason is HandOver.PRESSED_ZERO
    assert not call.line.playing


async def test_it_falls_silent_at_a_key_and_says_only_what_follows_from_it(tmp_path: Path):
    call = Call(tmp_path, slow=True)
    running = asyncio.create_task(call.run())
    await until(lambda: call.line.playing)
    call.line.presses("5")
    await until(lambda: "not_understood" in call.said_by_bot())
    assert call.line.stopped == 1  # a long answer would have kept the caller waiting until its end
    call.line.presses("0")
    assert (await running).reason is HandOver.PRESSED_ZERO
    assert call.said_by_bot() == ["greeting", "not_understood"]


async def test_it_lets_zero_win_while_the_recogniser_thinks(tmp_path: Path):
    call = Call(tmp_path)
    call.ear.ready.clear()
    call.line.says("when is the next draw")
    call.line.presses("0")
    assert (await call.run()).reason is HandOver.PRESSED_ZERO


async def test_it_asks_again_on_silence_and_then_hands_over(tmp_path: Path):
    call = Call(tmp_path)
    call.line.stays_silent()
    call.line.stays_silent()
    assert (await call.run()).reason is HandOver.SILENCE
    assert call.said_by_bot() == ["greeting", "say_again", "handing_over"]


async def test_it_takes_a_line_without_any_audio_for_a_silent_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(conversation, "NO_AUDIO_S", 0.0)
    monkeypatch.setattr(conversation, "TICK_S", 0.01)
    assert (await Call(tmp_path).run()).reason is HandOver.SILENCE


async def test_it_falls_silent_when_the_caller_speaks(tmp_path: Path):
    call = Call(tmp_path, slow=True)
    running = asyncio.create_task(call.run())
    await until(lambda: call.line.playing)
    call.line.speaks_for(0.1)
    call.line.speaks_for(0.4)
    await until(lambda: call.line.stopped == 1)
    call.line.says("an operator please")
    await until(lambda: "handing_over" in call.said_by_bot())
    call.line.heard_out()
    assert (await running).reason is HandOver.ASKED


async def test_it_goes_on_with_what_a_cough_interrupted(tmp_path: Path):
    call = Call(tmp_path, slow=True)
    running = asyncio.create_task(call.run())
    await until(lambda: call.line.playing)
    call.line.speaks_for(0.4)
    call.line.says("")
    await until(lambda: len(call.line.played) == 2)
    assert call.line.played[0] == call.line.played[1]  # it had hardly begun
    assert call.said_by_bot() == ["greeting"]  # the ledger has it once
    call.line.hangs_up()
    assert (await running).ending is Ending.GONE


async def test_it_falls_silent_at_likely_speech_and_goes_on_when_nothing_comes_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(listening, "BACK_OFF_S", 0.05)
    call = Call(tmp_path, slow=True)
    running = asyncio.create_task(call.run())
    await until(lambda: call.line.playing)
    call.ear.likely = True
    call.line.breathes()
    await until(lambda: call.line.stopped == 1)
    call.ear.likely = False
    while len(call.line.played) == 1:
        call.line.breathes()
        await asyncio.sleep(0.01)
    assert call.ear.nothings == 1
    call.line.hangs_up()
    await running


async def test_each_false_alarm_makes_it_harder_to_interrupt_until_words_are_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(listening, "BACK_OFF_S", 0.0)
    call = Call(tmp_path, slow=True)
    running = asyncio.create_task(call.run())
    await until(lambda: call.line.playing)
    call.ear.likely = True
    call.line.breathes()
    await until(lambda: call.line.stopped == 1)
    call.ear.likely = False
    call.line.breathes()
    await until(lambda: len(call.line.played) == 2)

    call.ear.likely = True
    call.line.breathes()
    call.line.speaks_for(0.2)
    call.line.breathes()
    await until(lambda: call.line.heard_all)
    assert call.line.stopped == 1
    call.line.speaks_for(0.4)
    await until(lambda: call.line.stopped == 2)
    call.line.hangs_up()
    await running


async def test_it_does_not_say_the_rest_of_what_the_caller_answered_meanwhile(tmp_path: Path):
    call = Call(tmp_path, slow=True)
    running = asyncio.create_task(call.run())
    await until(lambda: call.line.playing)
    call.line.speaks_for(0.4)
    await until(lambda: call.line.stopped == 1)
    call.line.says("when is the next draw")
    await until(lambda: "anything_else" in call.said_by_bot())
    assert len(call.line.played) == 3
    call.line.hangs_up()
    await running


async def test_it_takes_what_collides_with_its_reply_for_the_rest_of_the_sentence(tmp_path: Path):
    call = Call(tmp_path, slow=True)
    running = asyncio.create_task(call.run())
    await until(lambda: call.line.playing)
    call.line.says("i would like to know how much", confidence=0.2)
    await until(lambda: "not_understood" in call.said_by_bot())
    call.line.speaks_for(0.4)  # the reply has hardly begun
    call.line.says("is a ticket")
    await until(lambda: "anything_else" in call.said_by_bot())
    assert call.said_by_bot()[-2] == "answer:ticket_price"
    call.line.hangs_up()
    assert (await running).heard == "i would like to know how much is a ticket"


async def test_it_passes_over_a_short_sound_without_words(tmp_path: Path):
    call = Call(tmp_path)
    call.line.coughs()
    call.line.says("when is the next draw")
    running = asyncio.create_task(call.run())
    await until(lambda: "anything_else" in call.said_by_bot())
    assert call.said_by_bot() == ["greeting", "answer:next_draw", "anything_else"]
    assert call.ear.nothings == 1
    call.line.hangs_up()
    await running


async def test_it_knows_which_words_end_a_turn_early(tmp_path: Path):
    call = Call(tmp_path)
    running = asyncio.create_task(call.run())
    await until(lambda: call.said_by_bot() == ["greeting"])
    assert call.ear.understands("when is the next draw")
    assert call.ear.understands("a person please")
    assert not call.ear.understands("my parcel has not come")
    assert not call.ear.understands("um")
    call.line.hangs_up()
    await running


async def test_it_waits_for_the_rest_of_a_sentence(tmp_path: Path):
    call = Call(tmp_path)
    call.ear.ready.clear()
    call.line.says("i would like to know how much")
    call.line.speaks_for(0.4)
    running = asyncio.create_task(call.run())
    await until(lambda: call.ear.speaking_s > 0)
    call.ear.ready.set()
    call.line.says("is a ticket")
    await until(lambda: "anything_else" in call.said_by_bot())
    call.line.hangs_up()
    assert (await running).heard == "i would like to know how much is a ticket"
    assert call.said_by_bot() == ["greeting", "answer:ticket_price", "anything_else"]


async def test_it_counts_a_call_as_answered_when_the_caller_hangs_up_after_the_answer(tmp_path: Path):
    call = Call(tmp_path)
    call.line.says("when is the next draw")
    running = asyncio.create_task(call.run())
    await until(lambda: "anything_else" in call.said_by_bot())
    call.line.hangs_up()
    asked = "when is the next draw"
    assert (await running) == Outcome(Ending.ANSWERED, topic="Next draw", heard=asked, hung_up=True)


async def test_it_knows_that_a_caller_who_left_early_got_nothing(tmp_path: Path):
    call = Call(tmp_path)
    call.line.hangs_up()
    assert (await call.run()).ending is Ending.GONE
    assert call.events[-1].data["answered"] is False


async def test_it_hands_over_when_the_recogniser_is_late(tmp_path: Path):
    call = Call(tmp_path)
    call.ear.fails = RecogniserLate()
    call.line.says("when is the next draw")
    assert (await call.run()).reason is HandOver.DEADLINE
    assert call.events[-1].data == {"reason": "deadline"}
    assert call.said_by_bot() == ["greeting"]  # no words that would keep them
    assert call.ear.closed


async def test_it_hands_over_when_the_recogniser_breaks(tmp_path: Path):
    call = Call(tmp_path)
    call.ear.fails = RecogniserFailed()
    call.line.says("when is the next draw")
    assert (await call.run()).reason is HandOver.FAULT
    assert call.said_by_bot() == ["greeting"]


async def test_it_hands_over_before_the_first_word_while_nobody_can_hear(tmp_path: Path):
    call = Call(tmp_path)
    call.ear.trouble = "the recogniser hangs"
    assert (await call.run()).reason is HandOver.FAULT
    assert call.line.played == []


async def test_it_hands_over_soon_when_the_ears_are_lost_on_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(conversation, "TICK_S", 0.01)
    call = Call(tmp_path)
    running = asyncio.create_task(call.run())
    await until(lambda: call.said_by_bot() == ["greeting"])
    call.ear.trouble = "the recogniser hangs"
    assert (await running).reason is HandOver.FAULT


async def test_it_breaks_off_its_own_words_when_time_is_up(tmp_path: Path):
    call = Call(tmp_path, slow=True, limit_s=0.2)
    outcome = await call.run()  # nobody lets the greeting out
    assert outcome.reason is HandOver.DEADLINE
    assert call.line.stopped == 1
    assert call.said_by_bot() == ["greeting"]


async def test_it_hands_over_when_an_answer_has_no_sound(tmp_path: Path):
    call = Call(tmp_path)
    call.voice.fails_on = "On Saturday at eight."
    call.line.says("when is the next draw")
    assert (await call.run()).reason is HandOver.FAULT


async def test_it_keeps_the_reason_when_only_the_last_words_have_no_sound(tmp_path: Path):
    call = Call(tmp_path)
    call.voice.fails_on = SCRIPT.handing_over
    call.line.says("operator")
    assert (await call.run()).reason is HandOver.ASKED


async def test_it_hands_over_when_the_line_breaks(tmp_path: Path):
    call = Call(tmp_path)

    class BrokenLine(FakeLine):
        async def __aiter__(self):
            raise RuntimeError("the carrier broke")
            yield

    call.line = BrokenLine()
    assert (await call.run()).reason is HandOver.FAULT


async def test_it_hands_over_when_the_conversation_gets_too_long(tmp_path: Path):
    assert (await Call(tmp_path, limit_s=0.01).run()).reason is HandOver.DEADLINE


async def test_it_bridges_a_slow_recognition_with_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(listening, "PATIENCE_S", 0.0)
    call = Call(tmp_path)
    call.ear.ready.clear()
    call.line.says("when is the next draw")
    running = asyncio.create_task(call.run())
    await until(lambda: "one_moment" in call.said_by_bot())
    call.ear.ready.set()
    await until(lambda: "anything_else" in call.said_by_bot())
    call.line.hangs_up()
    await running


async def test_it_does_not_wait_for_a_carrier_that_never_sends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(speaking, "LAST_WORDS_S", 0.0)
    call = Call(tmp_path, slow=True)
    call.line.presses("0")
    assert (await call.run()).reason is HandOver.PRESSED_ZERO


async def test_it_survives_a_flood_of_keys(tmp_path: Path):
    call = Call(tmp_path)
    for _ in range(10_000):
        call.line.presses("7")
    assert (await call.run()).reason is HandOver.NOT_UNDERSTOOD


async def test_it_leaves_no_task_behind_and_tells_the_ledger_when_it_is_cancelled(tmp_path: Path):
    call = Call(tmp_path)
    before = asyncio.all_tasks()
    running = asyncio.create_task(call.run())
    await until(lambda: "greeting" in call.said_by_bot())
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert asyncio.all_tasks() == before
    assert call.events[-1].data == {"reason": "fault"}


def test_its_fake_line_is_a_media_port(tmp_path: Path):
    line: MediaPort = FakeLine()
    assert not line.playing


# --- slots and look-ups ---

ASKING = BotScript.model_validate(
    {
        "lookups": {
            "ticket": {
                "path": "tickets/{ticket}",
                "deadline_s": 0.1,
                "fields": {"prize": "prize"},
                "otherwise": "It has won {prize} dollars.",
            }
        },
        "identity": {
            "slots": [{"name": "pin", "kind": "digits", "length": 4, "ask": "Your code?", "private": True}],
            "lookup": "ticket",
            "when": {"prize": 1},
        },
        "questions": [
            {
                "name": "check_ticket",
                "topic": "Check a ticket",
                "phrases": ["check my ticket", "did my ticket win", "is my ticket a winner"],
                "slots": [
                    {
                        "name": "ticket",
                        "kind": "digits",
                        "length": 4,
                        "ask": "What is its number?",
                        "confirm": "I heard {ticket}, is that right?",
                    }
                ],
                "lookup": "ticket",
            },
            {
                "name": "balance",
                "topic": "Balance",
                "phrases": ["what is my balance", "tell me my balance", "my balance please"],
                "answer": "Enough.",
                "private": True,
            },
        ],
    }
)


def asking_call(folder: Path, look_up: LookUp | None) -> Call:
    call = Call(folder)
    call.conversation = Conversation(
        "pz-1.1",
        ear=call.ear,  # type: ignore[arg-type]
        understanding=trained(ASKING),
        dialogue=Dialogue(ASKING),
        voice=call.voice,
        publish=call.events.append,
        clock=lambda: datetime(2026, 11, 21, 20, 0, tzinfo=UTC),
        look_up=look_up,
        limit_s=30.0,
    )
    return call


async def confirm_a_number(call: Call) -> None:
    call.line.says("did my ticket win")
    await until(lambda: "ask:ticket" in call.said_by_bot())
    call.line.says("one two three four")
    await until(lambda: "confirm:ticket" in call.said_by_bot())
    call.line.says("yes")


def learnt(call: Call, about: str) -> list[object]:
    return [e.data["value"] for e in call.events if e.data.get("about") == about]


async def test_it_asks_the_company_with_the_confirmed_number_and_says_the_answer(tmp_path: Path):
    asked: list[tuple[str, dict[str, str]]] = []

    async def look_up(name: str, values: Mapping[str, str]) -> Answer:
        asked.append((name, dict(values)))
        return Found({"prize": 120})

    call = asking_call(tmp_path, look_up)
    running = asyncio.create_task(call.run())
    await confirm_a_number(call)
    await until(lambda: "anything_else" in call.said_by_bot())
    call.line.hangs_up()
    assert (await running).topic == "Check a ticket"
    assert asked == [("ticket", {"ticket": "1234"})]
    assert call.voice.spoken == ["It has won 120 dollars."]  # what was said back came from pieces
    assert learnt(call, "slot") == ["1234"]


async def test_it_takes_keys_while_the_bot_still_asks(tmp_path: Path):
    async def look_up(name: str, values: Mapping[str, str]) -> Answer:
        return Found({"prize": 120})

    call = asking_call(tmp_path, look_up)
    call.line.says("did my ticket win")
    running = asyncio.create_task(call.run())
    await until(lambda: "ask:ticket" in call.said_by_bot())
    for key in "10201":
        call.line.presses(key)
    await until(lambda: "anything_else" in call.said_by_bot())
    call.line.hangs_up()
    await running
    assert learnt(call, "slot") == ["1020"]


async def test_it_takes_a_last_zero_for_the_wish_for_a_person_once_no_key_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(conversation, "KEYS_S", 0.01)
    call = asking_call(tmp_path, None)
    call.line.says("did my ticket win")
    running = asyncio.create_task(call.run())
    await until(lambda: "ask:ticket" in call.said_by_bot())
    call.line.presses("1")
    call.line.presses("0")
    assert (await running).reason is HandOver.PRESSED_ZERO


async def until_handed_over(folder: Path, look_up: LookUp | None) -> Call:
    call = asking_call(folder, look_up)
    running = asyncio.create_task(call.run())
    await confirm_a_number(call)
    assert (await running).reason is HandOver.LOOK_UP
    return call


async def test_it_says_one_moment_and_gives_up_on_a_company_that_never_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(conversation, "LOOKING_S", 0.01)
    monkeypatch.setattr(conversation, "LOOKED_S", 0.05)

    async def never(name: str, values: Mapping[str, str]) -> Answer:
        await asyncio.Event().wait()
        raise AssertionError

    call = await until_handed_over(tmp_path, never)
    assert call.said_by_bot()[-3:] == ["one_moment", "failed:ticket", "handing_over"]
    assert learnt(call, "lookup") == ["late"]


async def test_it_survives_a_look_up_that_breaks_and_one_that_is_not_there(tmp_path: Path):
    async def broken(name: str, values: Mapping[str, str]) -> Answer:
        raise RuntimeError

    assert learnt(await until_handed_over(tmp_path, broken), "lookup") == ["gone"]
    assert learnt(await until_handed_over(tmp_path, None), "lookup") == ["not_set_up"]


async def test_it_keeps_what_is_private_out_of_the_ledger_and_of_the_outcome(tmp_path: Path):
    call = asking_call(tmp_path, None)
    call.line.says("what is my balance")
    call.line.says("nine eight seven six")
    outcome = await call.run()
    assert outcome.heard == "•"
    ledger = " ".join(str(event.data) for event in call.events)
    assert "nine" not in ledger
    assert "987" not in ledger
    assert learnt(call, "slot") == ["••76"]


async def test_it_keeps_a_private_answer_out_of_the_ledger_that_ends_with_the_wish_for_a_person(
    tmp_path: Path,
):
    call = asking_call(tmp_path, None)
    call.line.says("what is my balance")
    call.line.says("nine eight no give me an operator")
    outcome = await call.run()
    assert (outcome.reason, outcome.heard) == (HandOver.ASKED, "•")
    assert "nine" not in ledger(call)


async def test_it_keeps_a_private_answer_out_that_goes_on_while_the_company_is_asked(tmp_path: Path):
    asked, answers = asyncio.Event(), asyncio.Event()

    async def look_up(name: str, values: Mapping[str, str]) -> Answer:
        asked.set()
        await answers.wait()
        return Found({"prize": 1})

    call = asking_call(tmp_path, look_up)
    running = asyncio.create_task(call.run())
    call.line.says("what is my balance")
    call.line.says("nine eight seven six")
    await asked.wait()
    call.line.says("nine eight seven six")
    await until(lambda: [e.data.get("text") for e in call.events].count("•") == 2)
    answers.set()
    call.line.says("operator")
    await running
    assert "nine" not in ledger(call)


async def test_it_does_not_put_a_private_answer_before_what_is_said_next(tmp_path: Path):
    call = asking_call(tmp_path, None)
    call.line.says("what is my balance")
    call.line.says("nine eight seven and so on")
    running = asyncio.create_task(call.run())
    await until(lambda: "•" in [e.data.get("text") for e in call.events])
    assert call.conversation._unclear == ""
    call.line.says("operator")
    await running


def ledger(call: Call) -> str:
    return " ".join(str(event.data) for event in call.events)


async def test_an_answer_to_what_it_asked_back_is_no_question_that_it_does_not_know(tmp_path: Path):
    first = SCRIPT.questions[0].model_copy(update={"confirm": "Is it about the draw?"})
    script = SCRIPT.model_copy(update={"questions": (first, SCRIPT.questions[1])})
    call = Call(tmp_path, script=script)
    running = asyncio.create_task(call.run())
    call.line.says("what about the draw", confidence=0.1)
    await until(lambda: "confirm:next_draw" in call.said_by_bot())
    call.line.says("yes that jackpot thing")
    await until(lambda: "answer:next_draw" in call.said_by_bot())
    call.line.hangs_up()
    await running
    intents = [event.data["intent"] for event in call.events if event.data.get("speaker") == "caller"]
    assert intents == ["next_draw", "reply"]


async def test_what_is_no_answer_to_what_it_asked_back_is_kept_as_what_it_does_not_know(tmp_path: Path):
    first = SCRIPT.questions[0].model_copy(update={"confirm": "Is it about the draw?"})
    call = Call(tmp_path, script=SCRIPT.model_copy(update={"questions": (first, SCRIPT.questions[1])}))
    running = asyncio.create_task(call.run())
    call.line.says("what about the draw", confidence=0.1)
    await until(lambda: "confirm:next_draw" in call.said_by_bot())
    call.line.says("my parcel has come to somebody else's house")
    assert (await running).reason is HandOver.OUT_OF_SCOPE
    intents = [event.data["intent"] for event in call.events if event.data.get("speaker") == "caller"]
    assert intents == ["next_draw", "out_of_scope"]


async def test_it_hands_over_who_speaks_over_it_twice_in_words_that_no_recogniser_knows(tmp_path: Path):
    call = Call(tmp_path, slow=True)
    running = asyncio.create_task(call.run())
    await until(lambda: call.line.playing)
    call.line.speaks_for(1.5)
    call.line.says("")
    await until(lambda: len(call.line.played) == 2)  # the greeting goes on
    call.line.speaks_for(1.5)
    call.line.says("")
    await until(lambda: "handing_over" in call.said_by_bot())
    call.line.heard_out()
    assert (await running).reason is HandOver.NOT_UNDERSTOOD


async def test_two_coughs_are_no_wish_for_a_person(tmp_path: Path):
    call = Call(tmp_path)
    for _ in range(3):
        call.line.coughs()
    call.line.says("when is the next draw")
    running = asyncio.create_task(call.run())
    await until(lambda: "anything_else" in call.said_by_bot())
    call.line.hangs_up()
    assert (await running).ending is Ending.ANSWERED


async def test_it_does_not_hang_up_on_who_says_something_unknown_over_its_good_bye(tmp_path: Path):
    call = Call(tmp_path, slow=True)
    running = asyncio.create_task(call.run())
    call.line.says("when is the next draw")
    await until(lambda: "anything_else" in call.said_by_bot())
    call.line.says("no thank you")
    await until(lambda: "goodbye" in call.said_by_bot())
    call.line.speaks_for(1.5)
    call.line.says("")
    await until(lambda: call.said_by_bot()[-1] == "say_again")
    call.line.says("")
    await until(lambda: "handing_over" in call.said_by_bot())
    call.line.heard_out()
    assert (await running).reason is HandOver.NOT_UNDERSTOOD


@pytest.mark.parametrize(
    ("known", "greeting"), [("Grace Hill", "Hello Grace Hill. What can I do?"), (None, "What can I do?")]
)
async def test_it_greets_a_customer_by_name_where_that_is_known(
    tmp_path: Path, known: str | None, greeting: str
):
    async def name() -> str | None:
        return known

    assert await greets(tmp_path, name) == greeting


async def test_it_greets_without_a_name_that_does_not_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(conversation, "NAME_S", 0.01)

    async def never() -> str | None:
        await asyncio.Event().wait()
        return None

    async def broken() -> str | None:
        raise RuntimeError

    assert await greets(tmp_path, never) == "What can I do?"
    assert await greets(tmp_path, broken) == "What can I do?"


async def greets(folder: Path, name: Callable[[], Awaitable[str | None]]) -> object:
    script = SCRIPT.model_copy(update={"greeting": "Hello {customer}. What can I do?"})
    call = Call(folder)
    call.conversation = Conversation(
        "pz-1.1",
        ear=call.ear,  # type: ignore[arg-type]
        understanding=UNDERSTANDING,
        dialogue=Dialogue(script),
        voice=call.voice,
        publish=call.events.append,
        clock=lambda: datetime(2026, 11, 21, 20, 0, tzinfo=UTC),
        customer=name,
    )
    call.line.says("operator")
    await call.run()
    return next(event.data["text"] for event in call.events if event.data.get("intent") == "greeting")
