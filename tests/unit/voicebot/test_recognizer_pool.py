"""Recognisers off the event loop: deadlines, bounds, live calls first, early decoding."""

import asyncio
from collections.abc import Iterator

import numpy as np
import pytest

from recordings.transcript import Recognised
from tests.fakes.engines import ToldEngine
from voicebot.recognizers import pool as pool_module
from voicebot.recognizers.health import IN_A_ROW
from voicebot.recognizers.live import LiveListening
from voicebot.recognizers.pool import RecognizerPool
from voicebot.recognizers.port import RecogniserBusy, RecogniserFailed, RecogniserLate
from voicebot.recognizers.splitting import Stretch
from voicebot.recognizers.work import SPARES

pytestmark = pytest.mark.unit


def length(pcm: bytes) -> str:
    return f"{len(pcm)} bytes"


@pytest.fixture
def engine() -> Iterator[ToldEngine]:
    engine = ToldEngine(length)
    yield engine
    engine.go.set()  # no thread stays behind


async def at_work(engine: ToldEngine) -> None:
    """Until the engine has begun to work on something."""
    assert await asyncio.to_thread(engine.busy.acquire, True, 10)


async def test_it_recognises_all_that_was_accepted(engine):
    listening = RecognizerPool(engine).listen()
    listening.accept(b"ab")
    listening.accept(b"cd")

    assert (await listening.result()).text == "4 bytes"


async def test_it_decodes_at_the_pause_and_has_the_words_at_the_end(engine):
    listening = RecognizerPool(engine).listen()
    listening.accept(b"speech")
    listening.paused()
    await at_work(engine)
    listening.accept(b"silence behind it")

    assert (await listening.result()).text == "6 bytes"
    assert engine.done == ["live"]


async def test_it_drops_the_early_words_when_the_speaker_goes_on(engine):
    listening = RecognizerPool(engine).listen()
    listening.accept(b"speech")
    listening.paused()
    await at_work(engine)
    listening.resumed(0.3)
    listening.accept(b" and more")

    assert (await listening.result()).text == "15 bytes"


async def test_it_streams_the_audio_in_order_and_tells_partial_words():
    engine = ToldEngine(lambda pcm: pcm.decode(), streams=True)
    listening = RecognizerPool(engine, threads=2).listen()
    for letter in "abcdefghijklmnopqrstuvwxyz":
        listening.accept(letter.encode())
        await asyncio.sleep(0)

    assert (await listening.result()).text == "abcdefghijklmnopqrstuvwxyz"
    assert listening.so_far is not None
    assert "abcdefghijklmnopqrstuvwxyz".startswith(listening.so_far)


class HeardParts:
    """A streaming engine that writes down what it hears in one go; implements `Recognizer`."""

    name, language, takes_grammar, streams = "parts", "en", False, True

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def line(self) -> "HeardParts":
        return self

    def start(self, grammar: object = None) -> "HeardPart":
        return HeardPart(self)

    def transcribe(self, pcm: bytes) -> Recognised:
        raise NotImplementedError


class HeardPart:
    def __init__(self, engine: HeardParts) -> None:
        self._engine, self._heard = engine, b""

    def accept(self, pcm: bytes) -> str | None:
        self._heard += pcm
        return None

    def result(self) -> Recognised:
        self._engine.parts.append(self._heard)
        return Recognised(self._heard.decode(), confidence=0.9)


async def until_told(listening: LiveListening, text: str) -> None:
    async with asyncio.timeout(5):
        while listening.so_far != text:  # noqa: ASYNC110 - it is told by another thread
            await asyncio.sleep(0.001)


async def test_a_streaming_engine_has_all_the_words_at_the_pause():
    engine = HeardParts()
    listening = RecognizerPool(engine).listen()
    listening.accept(b"one two")
    listening.paused()
    await until_told(listening, "one two")

    assert (await listening.result()).text == "one two"
    assert engine.parts == [b"one two"]


async def test_a_streaming_engine_hears_a_part_again_that_a_short_pause_cut_in_two():
    engine = HeardParts()
    listening = RecognizerPool(engine).listen()
    listening.accept(b"one tw")
    listening.paused()
    await until_told(listening, "one tw")
    listening.resumed(0.25)
    listening.accept(b"o")

    assert (await listening.result()).text == "one two"
    assert engine.parts == [b"one tw", b"one two"]


async def test_a_streaming_engine_hears_nothing_twice_where_the_speaker_drew_breath():
    engine = HeardParts()
    listening = RecognizerPool(engine).listen()
    listening.accept(b"one two")
    listening.paused()
    listening.resumed(0.7)
    listening.accept(b"three")

    assert (await listening.result()).text == "one two three"
    assert engine.parts == [b"one two", b"three"]


async def test_what_broke_while_the_caller_spoke_is_no_silence_at_the_end():
    class Breaking(HeardParts):
        def start(self, grammar: object = None) -> HeardPart:
            raise ValueError("native nonsense")

    listening = RecognizerPool(Breaking()).listen()
    listening.accept(bytes(16_000))
    listening.accept(bytes(16_000))

    with pytest.raises(RecogniserFailed, match="parts failed"):
        await listening.result()


async def test_it_names_an_engine_that_is_late(engine):
    engine.go.clear()
    listening = RecognizerPool(engine, deadline_s=0.05).listen()

    with pytest.raises(RecogniserLate, match=r"0\.05 s"):
        await listening.result()


@pytest.mark.parametrize(("streams", "refused"), [(False, 24), (True, 0)])
async def test_far_more_short_pieces_may_wait_than_whole_utterances(streams, refused):
    engine = ToldEngine(length, streams=streams)
    pool = RecognizerPool(engine, threads=1)
    engine.go.clear()
    first = asyncio.ensure_future(pool.listen().result())
    await at_work(engine)
    others = [asyncio.ensure_future(pool.listen().result()) for _ in range(40)]
    await asyncio.sleep(0)
    engine.go.set()
    await first
    outcomes = await asyncio.gather(*others, return_exceptions=True)
    assert sum(isinstance(one, RecogniserBusy) for one in outcomes) == refused


async def test_it_refuses_more_than_may_wait(engine):
    pool = RecognizerPool(engine, waiting=1)
    engine.go.clear()
    first = asyncio.ensure_future(pool.listen().result())
    await at_work(engine)
    second = asyncio.ensure_future(pool.listen().result())
    await asyncio.sleep(0)
    third = pool.listen()
    third.paused()  # no room for an early decode, and no harm

    with pytest.raises(RecogniserBusy):
        await third.result()

    engine.go.set()
    assert (await first).text == (await second).text == "0 bytes"


async def test_it_tells_how_long_callers_waited_and_of_those_who_waited_in_vain(engine):
    waits: list[float] = []
    pool = RecognizerPool(engine, waiting=1, deadline_s=0.05, waited=waits.append)
    assert (await pool.listen().result()).text == "0 bytes"
    assert 0 <= waits[0] <= 0.05

    engine.go.clear()
    with pytest.raises(RecogniserLate):
        await pool.listen().result()
    await at_work(engine)
    pool.listen().paused()  # fills the only place to wait
    with pytest.raises(RecogniserBusy):
        await pool.listen().result()
    assert waits[1:] == [0.05, 0.05]


async def test_it_names_an_engine_that_breaks():
    def broken(pcm: bytes) -> str:
        raise ValueError("native nonsense")

    with pytest.raises(RecogniserFailed, match="told failed"):
        await RecognizerPool(ToldEngine(broken)).listen().result()


async def test_it_tells_who_waits_that_it_was_closed(engine):
    pool = RecognizerPool(engine)
    engine.go.clear()
    at_it = asyncio.ensure_future(pool.listen().result())
    await at_work(engine)
    waiting = asyncio.ensure_future(pool.listen().result())
    await asyncio.sleep(0)

    pool.close()

    with pytest.raises(RecogniserFailed, match="shut down"):
        await waiting
    engine.go.set()
    assert (await at_it).text == "0 bytes"
    with pytest.raises(RecogniserBusy):
        await pool.listen().result()


async def test_it_leaves_a_cancelled_caller_cancelled(engine):
    engine.go.clear()
    task = asyncio.ensure_future(RecognizerPool(engine).listen().result())
    await at_work(engine)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.fixture
def three_stretches(monkeypatch):
    stretches = [Stretch(0.0, 1.0), Stretch(2.0, 3.0), Stretch(4.0, 6.0)]
    monkeypatch.setattr(pool_module, "_stretches", lambda data: stretches)


@pytest.mark.usefixtures("three_stretches")
async def test_it_gives_the_phrases_of_a_recording_with_times_from_its_beginning(engine):
    phrases = await RecognizerPool(engine).transcribe_long(np.zeros(48_000, np.int16))

    assert [phrase.text for phrase in phrases] == ["16000 bytes", "16000 bytes", "32000 bytes"]
    assert [(phrase.start_s, phrase.end_s) for phrase in phrases] == [
        (pytest.approx(at + 0.1), pytest.approx(at + 0.2)) for at in (0.0, 2.0, 4.0)
    ]
    assert phrases[2].words[0].start_s == pytest.approx(4.1)


@pytest.mark.usefixtures("three_stretches")
async def test_it_lets_a_live_utterance_overtake_a_recording(engine):
    pool = RecognizerPool(engine)
    engine.go.clear()
    recordings = [asyncio.ensure_future(pool.transcribe_long(np.zeros(48_000, np.int16))) for _ in range(3)]
    await at_work(engine)
    live = asyncio.ensure_future(pool.listen().result())
    await asyncio.sleep(0)

    engine.go.set()
    await live
    await asyncio.gather(*recordings)

    assert engine.done.index("live") == 1  # behind the one stretch that had begun


async def test_it_leaves_out_a_stretch_without_words(monkeypatch):
    monkeypatch.setattr(pool_module, "_stretches", lambda data: [Stretch(0.0, 1.0)])

    assert await RecognizerPool(ToldEngine(lambda pcm: "")).transcribe_long(np.zeros(8000, np.int16)) == []


async def test_it_hears_the_next_caller_when_a_decode_hangs(engine):
    pool = RecognizerPool(engine, deadline_s=5.0, stuck_s=0.05)
    engine.go.clear()
    with pytest.raises(RecogniserFailed, match="given up"):
        await pool.listen().result()
    engine.go.set()
    assert (await pool.listen().result()).text == "0 bytes"
    assert pool.trouble is None


async def test_it_says_so_when_every_decode_hangs(engine):
    pool = RecognizerPool(engine, deadline_s=5.0, stuck_s=0.02)
    engine.go.clear()
    for _ in range(SPARES + 1):
        with pytest.raises(RecogniserFailed):
            await pool.listen().result()
    assert "restart" in (pool.trouble or "")
    listening = pool.listen()
    listening.accept(b"ab")
    listening.paused()  # no harm: the end of the utterance tells
    with pytest.raises(RecogniserFailed, match="restart"):
        await listening.result()


async def test_it_leaves_an_engine_alone_that_breaks_each_time():
    asked = 0

    def broken(pcm: bytes) -> str:
        nonlocal asked
        asked += 1
        raise ValueError("native nonsense")

    pool = RecognizerPool(ToldEngine(broken))
    for _ in range(IN_A_ROW + 3):
        with pytest.raises(RecogniserFailed):
            await pool.listen().result()
    assert asked == IN_A_ROW
    assert "in a row" in (pool.trouble or "")
