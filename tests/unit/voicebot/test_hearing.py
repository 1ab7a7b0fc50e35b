"""The ear: what reaches the recogniser, and when it begins to decode."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.fakes.engines import ToldEngine
from voicebot import hearing
from voicebot.hearing import Ear
from voicebot.recognizers.pool import RecognizerPool
from voicebot.segmenter import Pause, Resumed, Silence, SpeechEnded, SpeechStarted, Timing
from voicebot.turn_end import OPEN, YES_NO, expect_digits

pytestmark = pytest.mark.unit

VOICE = b"v" * 320
QUIET = b"." * 320


class VoiceByLetter:
    """A detector to which `v` is a voice; implements `vad.VoiceDetector` for whole frames."""

    def frames(self, pcm: bytes) -> Iterator[tuple[bytes, bool]]:
        for at in range(0, len(pcm), 320):
            yield pcm[at : at + 320], pcm[at : at + 1] == b"v"


class OpenGate:
    """Lets every voice pass; `spoken` may be set. Implements `gate.SpeechGate`."""

    spoken = True
    noisy = False

    def __init__(self) -> None:
        self.likely = False
        self.told: list[str] = []

    def hear(self, frame: bytes, voiced: bool) -> bool:
        self.likely = voiced
        return voiced

    def begin(self) -> None:
        self.told.append("begun")

    def end(self) -> None:
        """The utterance is over."""

    def had_words(self) -> None:
        self.told.append("words")

    def had_none(self) -> None:
        self.told.append("none")


@pytest.fixture(autouse=True)
def _letters_for_voices(monkeypatch):
    monkeypatch.setattr(hearing, "VoiceDetector", VoiceByLetter)
    monkeypatch.setattr(hearing, "SpeechGate", OpenGate)


@pytest.fixture
def engine() -> Iterator[ToldEngine]:
    engine = ToldEngine(lambda pcm: f"{pcm.count(b'v') // 320} of {len(pcm) // 320} frames")
    yield engine
    engine.go.set()


def frames(voice: float, quiet: float) -> bytes:
    return VOICE * round(voice / 0.02) + QUIET * round(quiet / 0.02)


async def test_it_hears_an_utterance_with_what_came_just_before(engine):
    ear = Ear(RecognizerPool(engine))

    segments = ear.hear(frames(0, 2.0) + frames(1.0, 1.1))

    assert [type(segment) for segment in segments] == [SpeechStarted, Pause, SpeechEnded]
    # 1 s of voice, 0.2 s of silence up to the pause, and at least 0.3 s from before
    voiced, heard = (int(number) for number in (await ear.words()).text.split() if number.isdigit())
    assert voiced == 50
    assert 50 + 10 + 15 <= heard <= 50 + 10 + 27


async def test_it_decodes_once_where_the_pause_was_the_end(engine):
    ear = Ear(RecognizerPool(engine))
    ear.hear(frames(1.0, 1.1))

    await ear.words()

    assert engine.done == ["live"]


async def test_it_decodes_again_where_the_pause_was_not_the_end(engine):
    ear = Ear(RecognizerPool(engine))

    segments = ear.hear(frames(1.0, 0.3) + frames(1.0, 1.1))

    assert Resumed in [type(segment) for segment in segments]
    assert (await ear.words()).text.startswith("100 of ")


async def test_it_tells_how_long_somebody_speaks_already(engine):
    ear = Ear(RecognizerPool(engine))
    assert ear.speaking_s == 0.0

    ear.hear(frames(0.4, 0.1))
    assert ear.speaking_s == pytest.approx(0.4)

    ear.restart()
    assert ear.speaking_s == 0.0
    assert ear.hear(frames(0, 1.0)) == []


async def test_it_has_no_words_before_an_utterance_has_ended(engine):
    ear = Ear(RecognizerPool(engine))
    ear.hear(frames(1.0, 0))

    with pytest.raises(LookupError, match="after SpeechEnded"):
        await ear.words()


async def test_it_has_nothing_decoded_for_a_caller_who_is_gone(engine):
    pool = RecognizerPool(engine)
    engine.go.clear()
    first = Ear(pool)
    first.hear(frames(1.0, 0.3))
    assert await asyncio.to_thread(engine.busy.acquire, True, 10)
    second = Ear(pool)
    second.hear(frames(1.0, 1.1))

    second.close()
    engine.go.set()
    first.hear(frames(0, 0.9))
    await first.words()

    last = Ear(pool)
    last.hear(frames(1.0, 1.1))
    await last.words()
    assert engine.done == ["live", "live"]  # the second ear's utterance was never begun


async def test_it_tells_what_a_streaming_engine_understands_so_far():
    ear = Ear(RecognizerPool(ToldEngine(lambda pcm: "so far", streams=True)))
    assert ear.so_far is None

    async with asyncio.timeout(5):
        while not ear.so_far:
            ear.hear(frames(0.02, 0))
            await asyncio.sleep(0.001)  # it is told by another thread

    assert ear.so_far == "so far"


async def test_it_gives_the_words_of_each_utterance_where_two_ended_before_anybody_asked(engine):
    ear = Ear(RecognizerPool(engine))

    ear.hear(frames(1.0, 1.1) + frames(2.0, 1.1))

    assert [(await ear.words()).text.split()[0] for _ in range(2)] == ["50", "100"]


async def decoded(ear: Ear, text: str) -> None:
    """Wait until the engine has told what was said so far."""
    async with asyncio.timeout(5):
        while ear.so_far != text:  # noqa: ASYNC110 - it is told by another thread
            await asyncio.sleep(0.001)


def quiet_until_end(ear: Ear) -> float:
    """Seconds of silence, behind the 0.2 s of the pause, until the ear takes it for the end."""
    for frame in range(1, 100):
        if any(isinstance(segment, SpeechEnded) for segment in ear.hear(frames(0, 0.02))):
            return 0.2 + frame * 0.02
    raise AssertionError("no end")


@pytest.mark.parametrize(
    ("text", "expects", "understood", "silence"),
    [
        ("when is the next draw", OPEN, True, 0.36),
        ("when is the next draw", OPEN, False, 0.6),
        ("i would like to know um", OPEN, False, 1.3),
        ("yes", YES_NO, True, 0.26),
        ("one two", expect_digits(3), False, 1.0),
        ("one two five", expect_digits(3), False, 0.26),
    ],
)
async def test_it_waits_as_long_as_the_words_so_far_ask_for(text, expects, understood, silence):
    ear = Ear(RecognizerPool(ToldEngine(lambda pcm: text)))
    ear.expects = expects
    ear.understands = lambda heard: understood and heard == text

    ear.hear(frames(1.0, 0.2))
    await decoded(ear, text)

    assert quiet_until_end(ear) == pytest.approx(silence)
    assert (await ear.words()).text == text


async def test_it_takes_a_phrase_of_the_grammar_for_complete_only_where_none_goes_on_from_it():
    ends = {}
    for text in ("winning numbers", "check a ticket"):
        engine = ToldEngine(lambda pcm, text=text: text, streams=True)
        ear = Ear(
            RecognizerPool(engine), grammar=["winning numbers", "check a ticket", "check a ticket online"]
        )
        ear.hear(frames(1.0, 0))
        frame, ended = 0, False
        while not ended:
            frame += 1
            ended = any(isinstance(segment, SpeechEnded) for segment in ear.hear(frames(0, 0.02)))
            await asyncio.sleep(0.005)
        ends[text] = frame * 0.02
    assert ends == {
        "winning numbers": pytest.approx(0.26, abs=0.05),
        "check a ticket": pytest.approx(0.6, abs=0.05),
    }


async def test_it_does_not_end_a_turn_while_the_engine_is_still_at_the_words(engine):
    ear = Ear(RecognizerPool(engine))
    engine.go.clear()

    assert [type(segment) for segment in ear.hear(frames(1.0, 0.9))] == [SpeechStarted, Pause]
    assert [type(segment) for segment in ear.hear(frames(0, 0.2))] == [SpeechEnded]


async def test_it_has_no_tune_decoded_and_lets_the_silence_go_on_behind_it(engine, monkeypatch):
    monkeypatch.setattr(OpenGate, "spoken", False)
    ear = Ear(RecognizerPool(engine), timing=Timing(silence=3.0))

    segments = ear.hear(frames(0, 0.5) + frames(0.5, 0.8) + frames(0.5, 0.8))

    assert [type(segment) for segment in segments] == [SpeechStarted, Pause, SpeechStarted, Pause, Silence]
    assert engine.done == []


async def test_it_counts_the_silence_on_behind_what_was_no_word(engine):
    ear = Ear(RecognizerPool(engine), timing=Timing(silence=3.0))
    ear.hear(frames(0, 1.0) + frames(0.5, 1.1))
    await ear.words()

    ear.was_nothing()

    assert [type(segment) for segment in ear.hear(frames(0, 0.5))] == [Silence]


async def test_it_keeps_back_what_a_recogniser_invents():
    ear = Ear(RecognizerPool(ToldEngine(lambda pcm: "Thanks for watching!")))
    ear.hear(frames(1.0, 1.1))

    assert (await ear.words()).text == ""
