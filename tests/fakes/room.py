"""What else is to be heard in a caller's room: noise, music, a television. Sounds at a level in dBFS, 8 kHz.

The music is Asterisk's own music on hold, the television several voices of espeak-ng at once, the noise of
every colour a formula. Serves tests and the bench.
"""

import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float64]
RATE = 8000
FULL = 32768.0

NEWS = (
    ("en-us", 30, "Good evening, and welcome to the news at six. Taxes will rise by two percent next year."),
    (
        "en-gb",
        60,
        "Don't go away, the quiz continues in a moment. What is the capital of Norway? Take your time.",
    ),
    (
        "en-us",
        75,
        "And now the weather: it will be sunny in the south, with some rain in the north. Stay with us.",
    ),
)


def level_db(sound: Sound) -> float:
    """Root mean square of the frames in which anything is to be heard, in dBFS."""
    frames = sound[: len(sound) // 160 * 160].reshape(-1, 160)
    power = np.mean(frames**2, axis=1)
    return 10 * float(np.log10(np.mean(power[power > power.max() / 100]) / FULL**2))


def at_level(sound: Sound, decibels: float) -> Sound:
    """The same sound, so loud."""
    return np.asarray(sound * 10 ** ((decibels - level_db(sound)) / 20))


def noise(seconds: float, colour: float, seed: int = 0) -> Sound:
    """`colour`: 0 is white, 1 pink, 2 brown (a car)."""
    count = round(seconds * RATE)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(count))
    frequency = np.maximum(np.fft.rfftfreq(count, 1 / RATE), 20.0)
    return np.fft.irfft(spectrum / frequency ** (colour / 2), count)


def hum(seconds: float) -> Sound:
    """Mains."""
    time = np.arange(round(seconds * RATE)) / RATE
    return np.asarray(sum(np.sin(2 * np.pi * 50 * n * time + n) / n for n in range(1, 12)))


def typing(seconds: float, seed: int = 0) -> Sound:
    """Keys of a keyboard."""
    random = np.random.default_rng(seed)
    sound = np.zeros(round(seconds * RATE))
    at = 0
    while (at := at + int(random.uniform(0.08, 0.4) * RATE)) < len(sound) - 400:
        sound[at : at + 300] += random.standard_normal(300) * np.exp(-np.arange(300) / 60)
    return sound


def read(wav: Path) -> Sound:
    """An 8 kHz mono WAV."""
    with wave.open(str(wav)) as file:
        assert (file.getframerate(), file.getnchannels()) == (RATE, 1), wav
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float64)


def music(share: Path, seconds: float) -> dict[str, Sound]:
    """Asterisk's music on hold, from some way into each piece."""
    return {
        wav.stem: read(wav)[10 * RATE : round((10 + seconds) * RATE)]
        for wav in sorted((share / "moh").glob("*.wav"))
    }


def television(speak: Callable[[str, str, int], Sound], seconds: float) -> Sound:
    """Several people at once, far from the telephone. `speak(text, voice, pitch)` gives 8 kHz sound."""
    voices = [np.resize(speak(text, voice, pitch), round(seconds * RATE)) for voice, pitch, text in NEWS]
    together = np.asarray(sum(voices[1:], 2 * voices[0]))
    return together + 0.4 * np.roll(together, 500)  # the walls


def pcm(sound: Sound) -> bytes:
    """16-bit little-endian."""
    return np.clip(sound, -32767, 32767).astype("<i2").tobytes()
