"""A Piper that stays: speaks texts that are for one call alone, without the seconds that loading takes.

Adapter to a process of its own (Piper is GPL-3.0: never imported, only run). It reads a text a line and tells
on stderr when a WAV is written; answers come in the order of the questions. It ends by itself when we do:
its standard input closes. Knows no calls; nothing that was spoken is kept.
"""

import asyncio
import contextlib
import tempfile
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import structlog

from recordings.audio import BadAudio, to_telephone_wav
from voicebot.telephone_wav import VoiceFailed, read_telephone_wav

log = structlog.get_logger()

LOADING_S: Final = 60.0  # of a voice, on cores that are busy
SPEAKING_S: Final = 10.0  # of one text, with others before it
MOST_WAITING: Final = 16  # texts; beyond, callers would wait too long for their words anyway
GONE_S: Final = 2.0  # from the end of its input to its own
_READY: Final = "One."  # any text: once it is spoken, the voice is loaded


class LivePiper:
    """Used from one event loop. A process that has died is started again by the next text."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        """Take `command` up to where the output folder is named; WAVs come and go within `folder`."""
        self._command, self._folder = list(command), folder
        self._process: asyncio.subprocess.Process | None = None
        self._waiting: deque[asyncio.Future[Path]] = deque()
        self._reading: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._loaded = False  # the process has spoken before
        self._wavs: tempfile.TemporaryDirectory[str] | None = None

    async def warm(self) -> None:
        """Start it and wait until it speaks.

        Raises:
            VoiceFailed: it does not.
        """
        raw = await self._say(_READY)
        await asyncio.to_thread(raw.unlink, missing_ok=True)

    async def speak(self, text: str) -> bytes:
        """Samples of `text`: 8 kHz, mono, 16 bit.

        Raises:
            VoiceFailed: it could not, or too many texts are waiting.
        """
        raw = await self._say(text)
        return await asyncio.to_thread(_as_telephone, raw)

    async def close(self) -> None:
        """End the process and remove what it wrote."""
        if self._process is not None:
            await _end(self._process)
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])
        if self._wavs is not None:
            await asyncio.to_thread(self._wavs.cleanup)
        self._process = self._reading = self._wavs = None

    async def _say(self, text: str) -> Path:
        if len(self._waiting) >= MOST_WAITING:
            raise VoiceFailed("Piper has too many texts to speak: use more cores, or fewer fields in texts.")
        process = await self._running()
        if process.stdin is None:
            raise VoiceFailed("Piper takes no texts.")
        within_s = SPEAKING_S if self._loaded else LOADING_S
        # Told apart from who asks: one who gives up must not shift the answers of those behind them.
        spoken: asyncio.Future[Path] = asyncio.get_running_loop().create_future()
        self._waiting.append(spoken)
        try:
            process.stdin.write(f"{' '.join(text.split())}\n".encode())
            async with asyncio.timeout(within_s):
                await process.stdin.drain()
                return await asyncio.shield(spoken)
        except TimeoutError as error:
            process.kill()  # it hangs, or is far behind: the next text finds a new one
            raise VoiceFailed(f"Piper did not speak within {within_s:g} s.") from error
        except OSError as error:
            raise VoiceFailed("Piper has ended.") from error
        finally:
            spoken.add_done_callback(_forget)

    async def _running(self) -> asyncio.subprocess.Process:
        async with self._starting:
            if self._process is not None and self._process.returncode is None:
                return self._process
            if self._reading is not None:
                await asyncio.wait([self._reading])
            self._folder.mkdir(parents=True, exist_ok=True)
            if self._wavs is None:
                self._wavs = tempfile.TemporaryDirectory(dir=self._folder, prefix=".live-")
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *self._command,
                    "--output-dir",
                    self._wavs.name,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=asyncio.subprocess.PIPE,
                )
            except OSError as error:
                raise VoiceFailed(f"Piper could not be started ({error.strerror}).") from error
            self._loaded = False
            self._reading = asyncio.create_task(self._read(self._process))
            return self._process

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """Hand each WAV to whoever asked for it; when the process ends, nobody waits for it any more."""
        try:
            while process.stderr is not None and (line := await process.stderr.readline()):
                _, wrote, path = line.decode(errors="replace").rstrip("\n").partition("Wrote ")
                if wrote and self._waiting:
                    future = self._waiting.popleft()
                    future.set_result(Path(path))
                    self._loaded = True
            await process.wait()
        except ValueError:  # a line without end: this is not Piper
            process.kill()
        finally:
            while self._waiting:
                future = self._waiting.popleft()
                if not future.done():
                    future.set_exception(VoiceFailed("Piper has ended."))
            if process.returncode not in (0, None):
                log.warning("Piper has ended.", action="piper_ended", code=process.returncode)


def _as_telephone(raw: Path) -> bytes:
    telephone = raw.with_suffix(".telephone.wav")
    try:
        to_telephone_wav(raw, telephone)
        return read_telephone_wav(telephone)
    except BadAudio as error:
        raise VoiceFailed(f"Piper spoke nothing: {error}.") from error
    finally:
        raw.unlink(missing_ok=True)
        telephone.unlink(missing_ok=True)


def _forget(spoken: "asyncio.Future[Path]") -> None:
    """Nobody waits for it any more; whatever came of it has been told or is worth nothing."""
    if not spoken.cancelled():
        spoken.exception()


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GONE_S):
            await process.wait()
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
