"""Two languages in one service: each has its engine, and a slow one holds up nobody of the other."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.fakes.engines import ToldEngine
from voicebot.recognizers.pool import RecognizerPool
from voicebot.recognizers.port import RecogniserBusy, RecogniserLate

pytestmark = pytest.mark.unit

SPEECH = b"speech"


@pytest.fixture
def english() -> ToldEngine:
    return ToldEngine(lambda pcm: "when is the next draw")


@pytest.fixture
def russian() -> Iterator[ToldEngine]:
    """An engine that does not come to an end."""
    engine = ToldEngine(lambda pcm: "когда розыгрыш")
    engine.go.clear()
    yield engine
    engine.go.set()  # no thread stays behind


async def said(pool: RecognizerPool) -> str:
    listening = pool.listen()
    listening.accept(SPEECH)
    return (await listening.result()).text


async def test_while_one_language_hangs_the_other_is_heard_at_once(english, russian):
    slow = RecognizerPool(russian, deadline_s=0.3)
    fast = RecognizerPool(english, deadline_s=5.0)
    late = asyncio.ensure_future(said(slow))
    assert await asyncio.to_thread(russian.busy.acquire, True, 10)

    heard = [await said(fast) for _ in range(5)]

    assert heard == ["when is the next draw"] * 5
    assert not late.done()  # all five were heard while it hung
    with pytest.raises(RecogniserLate):
        await late


async def test_callers_of_a_slow_language_do_not_queue_without_end_and_those_of_the_other_find_room(
    english, russian
):
    slow = RecognizerPool(russian, deadline_s=0.3, waiting=2)
    fast = RecognizerPool(english, deadline_s=5.0, waiting=2)
    waiting = [asyncio.ensure_future(said(slow)) for _ in range(6)]

    outcomes = await asyncio.gather(*waiting, return_exceptions=True)

    assert {type(outcome) for outcome in outcomes} == {RecogniserBusy, RecogniserLate}
    assert await said(fast) == "when is the next draw"


async def test_a_decode_that_comes_too_late_is_nobodys_and_its_language_is_heard_again(russian):
    pool = RecognizerPool(russian, deadline_s=0.2)
    with pytest.raises(RecogniserLate):
        await said(pool)
    russian.go.set()

    assert await said(RecognizerPool(russian, deadline_s=5.0)) == "когда розыгрыш"
