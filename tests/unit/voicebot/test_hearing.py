"""The ear: what reaches the recogniser, and when it begins to decode."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.fakes.engines import ToldEngine
from voicebot import hearing
from voicebot.hearing import Ear
from voicebot.recognizers.pool import RecognizerPool
from voicebot.segmenter import Pause, Resumed, SpeechEnded, SpeechStarted

pytestmark = pytest.mark.unit

VOICE = b"v" * 320
QUIET = b"." * 320


class VoiceByLetter:
    """A detector to which `v` is a voice; implements `vad.VoiceDetector` for whole frames."""

    def frames(self, pcm: bytes) -> Iterator[tuple[bytes, bool]]:
        for at in range(0, len(pcm), 320):
            yield pcm[at : at + 320], pcm[at : at + 1] == b"v"


@pytest.fixture(autouse=True)
def _letters_for_voices(monkeypatch):
    monkeypatch.setattr(hearing, "VoiceDetector", VoiceByLetter)


@pytest.fixture
def engine() -> Iterator[ToldEngine]:
    engine = ToldEngine(lambda pcm: f"{pcm.count(b'v') // 320} of {len(pcm) // 320} frames")
    yield engine
    engine.go.set()


def frames(voice: float, quiet: float) -> bytes:
    return VOICE * round(voice / 0.02) + QUIET * round(quiet / 0.02)


async def test_it_hears_an_utterance_with_what_came_just_before(engine):
    ear = Ear(RecognizerPool(engine))

    segments = ear.hear(frames(0, 2.0) + frames(1.0, 0.6))

    assert [type(segment) for segment in segments] == [SpeechStarted, Pause, SpeechEnded]
    # 1 s of voice, 0.24 s of silence up to the pause, and at least 0.3 s from before
    voiced, heard = (int(number) for number in (await ear.words()).text.split() if number.isdigit())
    assert voiced == 50
    assert 50 + 12 + 15 <= heard <= 50 + 12 + 27


async def test_it_decodes_once_where_the_pause_was_the_end(engine):
    ear = Ear(RecognizerPool(engine))
    ear.hear(frames(1.0, 0.6))

    await ear.words()

    assert engine.done == ["live"]


async def test_it_decodes_again_where_the_pause_was_not_the_end(engine):
    ear = Ear(RecognizerPool(engine))

    segments = ear.hear(frames(1.0, 0.3) + frames(1.0, 0.6))

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
    second.hear(frames(1.0, 0.6))

    second.close()
    engine.go.set()
    first.hear(frames(0, 0.4))
    await first.words()

    last = Ear(pool)
    last.hear(frames(1.0, 0.6))
    await last.words()
    assert engine.done == ["live", "live"]  # the second ear's utterance was never begun


async def test_it_tells_what_a_streaming_engine_understands_so_far():
    ear = Ear(RecognizerPool(ToldEngine(lambda pcm: "so far", streams=True)))
    assert ear.partial is None

    ear.hear(frames(1.0, 0.1))
    async with asyncio.timeout(5):
        while ear.partial is None:  # noqa: ASYNC110 - it is told by another thread
            await asyncio.sleep(0.001)

    assert ear.partial == "so far"


async def test_it_gives_the_words_of_each_utterance_where_two_ended_before_anybody_asked(engine):
    ear = Ear(RecognizerPool(engine))

    ear.hear(frames(1.0, 0.6) + frames(2.0, 0.6))

    assert [(await ear.words()).text.split()[0] for _ in range(2)] == ["50", "100"]
