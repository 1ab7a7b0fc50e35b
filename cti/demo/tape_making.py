"""The recordings that the demo's virtual PBX hands over: lines spoken by our own voice."""

import asyncio
import tempfile
import wave
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cti.demo.virtual_story import PAUSE_S, Line, Tape
from recordings.audio import TELEPHONE_RATE, to_mp3
from voicebot.telephone_wav import read_telephone_wav
from voicebot.voice import Voice

Samples = NDArray[np.int16]

LOWER = 0.93  # the operator's voice beside the caller's, who has the same synthesiser


async def speak(voice: Voice, talks: Sequence[Sequence[Line]]) -> dict[str, Samples]:
    """Every line as samples. Who says the same words as somebody else, says them alike.

    Raises:
        VoiceFailed: nobody can speak here.
    """
    lines = list(dict.fromkeys(line for talk in talks for line in talk))
    paths = await voice.render_all([words for _, words in lines])
    spoken = {}
    for (who, words), path in zip(lines, paths, strict=True):
        samples = np.frombuffer(await asyncio.to_thread(read_telephone_wav, path), "<i2")
        spoken[words] = _lower(samples) if who == "operator" else samples
    return spoken


def seconds_each(spoken: Mapping[str, Samples]) -> dict[str, float]:
    """How long each line is."""
    return {words: len(samples) / TELEPHONE_RATE for words, samples in spoken.items()}


def make_mp3(tape: Tape, spoken: Mapping[str, Samples]) -> bytes:
    """A recording as a PBX hands it over: the caller left, or both voices on one track. Blocking."""
    pause = np.zeros(round(PAUSE_S * TELEPHONE_RATE), np.int16)
    sides: dict[str, list[Samples]] = {"caller": [], "operator": []}
    for who, words in tape.talk:
        for side, pieces in sides.items():
            samples = spoken[words]
            pieces += [samples if side == who else np.zeros_like(samples), pause]
    caller, operator = (np.concatenate(pieces) for pieces in sides.values())
    sound = (caller + operator)[:, None] if tape.mixed else np.stack([caller, operator], axis=1)
    with tempfile.TemporaryDirectory(prefix="pz-") as name:
        raw, out = Path(name) / "talk.wav", Path(name) / "talk.mp3"
        with wave.open(str(raw), "wb") as file:
            file.setnchannels(sound.shape[1])
            file.setsampwidth(2)
            file.setframerate(TELEPHONE_RATE)
            file.writeframes(sound.astype("<i2").tobytes())
        to_mp3(raw, out)
        return out.read_bytes()


def _lower(samples: Samples) -> Samples:
    at = np.arange(0, len(samples) - 1, LOWER)
    lower: Samples = np.interp(at, np.arange(len(samples)), samples).astype(np.int16)
    return lower
