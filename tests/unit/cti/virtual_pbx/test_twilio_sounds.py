"""Prompts as Twilio fetches them, also those that it was told of before a restart."""

import io
import wave
from pathlib import Path
from typing import Any, cast

import pytest

from cti.virtual_pbx.vendors.twilio.sounds import Sounds
from ivr.pieces import RATE, Rendered
from ivr.prompts import PromptBook
from voicebot.voice import Voice

pytestmark = pytest.mark.unit


def book(folder: Path, **prompts: int) -> Sounds:
    """Prompts by name, of so many samples each."""
    found = {}
    for name, samples in prompts.items():
        path = folder / f"{name}-{samples}"
        with wave.open(f"{path}.wav", "wb") as wav:
            wav.setnchannels(1)
            wav.setsampwidth(2)
            wav.setframerate(RATE)
            wav.writeframes(b"\1\0" * samples)
        found[name] = (Rendered(path, samples / RATE),)
    return Sounds(PromptBook(found, cast(Voice, None), cast(Any, None)))


def samples(data: bytes) -> int:
    with wave.open(io.BytesIO(data)) as wav:
        assert (wav.getframerate(), wav.getsampwidth(), wav.getnchannels()) == (8000, 2, 1)
        return wav.getnframes()


async def test_a_prompt_is_found_by_its_name_for_ever(tmp_path: Path) -> None:
    sounds = book(tmp_path, greeting=100)
    (name,) = sounds.names(("greeting",), "en")
    sound = await sounds.read(name)
    assert sound is not None
    assert (samples(sound.data), sound.lasting) == (100, True)


async def test_a_prompt_that_was_changed_since_is_played_as_it_is_now_and_not_kept(tmp_path: Path) -> None:
    (before,) = book(tmp_path, greeting=100).names(("greeting",), "en")
    sound = await book(tmp_path, greeting=300).read(before)
    assert sound is not None
    assert (samples(sound.data), sound.lasting) == (300, False)


async def test_a_prompt_that_is_gone_since_is_a_moment_of_silence(tmp_path: Path) -> None:
    (before,) = book(tmp_path, incident=100).names(("incident",), "en")
    sound = await book(tmp_path, greeting=300).read(before)
    assert sound is not None
    assert not any(sound.data[44:])
    assert (samples(sound.data), sound.lasting) == (800, False)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "en",
        "en/greeting",
        "en/greeting.wav",
        "en/../x.0123456789abcdef.wav",
        "greeting.0123456789abcdef.wav",
    ],
)
async def test_what_was_never_named_is_not_there(tmp_path: Path, name: str) -> None:
    assert await book(tmp_path, greeting=100).read(name) is None
