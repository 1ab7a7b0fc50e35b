"""The only door to pydub and ffmpeg: merge, convert, read back, draw.

Everything here blocks and uses a processor: callers come through `asyncio.to_thread`. Memory stays flat
however long a call was: samples go through in pieces or lie in mapped files. ffmpeg is the binary that
imageio-ffmpeg carries, so nothing has to be installed by hand. Knows no database and no call.
"""

import mmap
import os
import subprocess
import tempfile
import threading
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

from recordings.wav import HEAD_BYTES, PCM, BadAudio, WavHeader, read_header

Samples = NDArray[np.int16]

TELEPHONE_RATE = 8000  # samples per second
BITRATE = "32k"  # two channels: an hour is 14 MB
FFMPEG_DEADLINE_S = 600.0  # far more than hours of telephone sound take; a stuck ffmpeg is ended
_PIECE = 1 << 16  # samples per channel handled at once
_FULL_SCALE = 32768
_FRAME = 4  # bytes of raw stereo
ALIKE = 0.001  # of the sum's power: what two channels with the same sound differ by
LONGEST_S = 6 * 3600.0  # of one delivered recording: whatever is longer was no call

__all__ = [
    "TELEPHONE_RATE",
    "BadAudio",
    "Cut",
    "Samples",
    "join",
    "merge_stereo",
    "peaks",
    "read_channel",
    "to_mp3",
    "to_sides",
    "to_telephone_wav",
    "usable_seconds",
]


def usable_seconds(path: Path) -> float:
    """How much sound a WAV of the spool really holds, whatever its header claims.

    Raises:
        BadAudio: no WAV at all. A file with no bytes, or with a header alone, is 0.0 seconds.
    """
    header, size = _header(path)
    return header.data_bytes(size) / header.frame_bytes / header.rate if header else 0.0


def merge_stereo(caller: Path | None, heard: Path | None, out: Path) -> float:
    """Lay both sides of a call into one stereo MP3, the caller on the left; give its length in seconds.

    The shorter side is filled up with silence; None is silence altogether. Lengths in WAV headers are not
    trusted. The channels are coded apart (no joint stereo), so that no voice leaks into the other's
    transcript. 8 kHz, 32 kbit/s. Temporary files lie beside `out`.

    Raises:
        BadAudio: a side is no sound, both are empty, or ffmpeg could not encode.
        OSError: a file cannot be read or written.
    """
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".merging-") as name:
        folder = Path(name)
        left, right = _telephone_pcm(caller, folder), _telephone_pcm(heard, folder)
        length = max(len(left), len(right))
        if length == 0:
            raise BadAudio("both sides of the recording are empty")
        raw = folder / "stereo.s16le"
        with raw.open("wb") as file:
            for start in range(0, length, _PIECE):
                count = min(_PIECE, length - start)
                piece = np.zeros((count, 2), dtype="<i2")
                for column, side in enumerate((left, right)):
                    samples = side[start : start + count]
                    piece[: len(samples), column] = samples
                file.write(piece.tobytes())
        _encode(raw, folder, out)
    return length / TELEPHONE_RATE


@dataclass(frozen=True, slots=True)
class Cut:
    """A piece of sound, and where it goes in a tape. All in seconds."""

    sides: Path  # as `to_sides` makes it
    from_s: float
    seconds: float
    to_s: float


def to_sides(src: Path, dst: Path, *, caller: int) -> tuple[float, bool]:
    """Turn any sound file into raw samples, 8 kHz, two channels, the caller on the left.

    `caller`: that person's channel, where the file has two. One channel, or more than two, is taken for both
    voices mixed, and lies on both sides; so are two that are the same.

    Returns: its seconds, `LONGEST_S` at most, and whether the voices are mixed.

    Raises:
        BadAudio: ffmpeg cannot read it, or it holds no sound.
    """
    head = _ffmpeg(
        "-i", _file(src), "-vn", "-t", "0.1", "-c:a", "pcm_s16le", "-f", "wav", "pipe:1", about=src
    )
    channels = read_header(head[:HEAD_BYTES]).channels
    sides = "c0=c1|c1=c0" if caller else "c0=c0|c1=c1"
    form = f"pan=stereo|{sides}" if channels == 2 else "aformat=channel_layouts=mono,pan=stereo|c0=c0|c1=c0"
    _ffmpeg(
        "-y", "-i", _file(src), "-vn", "-t", f"{LONGEST_S:.0f}", "-af", form,
        "-ar", str(TELEPHONE_RATE), "-f", "s16le", _file(dst),
        about=src,
    )  # fmt: skip
    frames = dst.stat().st_size // _FRAME
    if frames == 0:
        raise BadAudio(f"{src.name} holds no sound")
    return frames / TELEPHONE_RATE, channels != 2 or _are_alike(dst)


def _are_alike(sides: Path) -> bool:
    """Whether both sides are the same but for what a coder makes of them."""
    apart = together = 0.0
    with sides.open("rb") as raw:
        while piece := raw.read(_PIECE * _FRAME):
            left, right = (
                np.frombuffer(piece[: len(piece) // _FRAME * _FRAME], "<i2").astype(float).reshape(-1, 2).T
            )
            apart += float(np.square(left - right).sum())
            together += float(np.square(left + right).sum())
    return apart < ALIKE * together


def join(cuts: Sequence[Cut], out: Path, *, mixed: bool) -> None:
    """Lay pieces into one stereo MP3, with silence between them; `mixed`: both sides are the same.

    Raises:
        BadAudio: ffmpeg could not encode.
        OSError: a file cannot be read or written.
    """
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".merging-") as name:
        folder = Path(name)
        raw = folder / "stereo.s16le"
        with raw.open("wb") as tape:
            for cut in cuts:
                tape.truncate(max(tape.seek(0, os.SEEK_END), _bytes(cut.to_s + cut.seconds)))
                tape.seek(_bytes(cut.to_s))
                left = _bytes(cut.seconds)
                with cut.sides.open("rb") as sides:
                    sides.seek(_bytes(cut.from_s))
                    while left and (piece := sides.read(min(left, _PIECE))):
                        tape.write(piece)
                        left -= len(piece)
        _encode(raw, folder, out, apart=not mixed)


def to_mp3(src: Path, dst: Path) -> None:
    """Any sound file as an MP3 of the same channels.

    Raises:
        BadAudio: ffmpeg cannot read `src`.
    """
    _ffmpeg("-y", "-i", _file(src), "-vn", "-b:a", BITRATE, "-f", "mp3", _file(dst), about=src)


def _bytes(seconds: float) -> int:
    return round(seconds * TELEPHONE_RATE) * _FRAME


def read_channel(path: Path, channel: int, rate: int = TELEPHONE_RATE) -> Samples:
    """One channel (0 is left) of any sound file as mono samples at `rate`, shape (n,).

    Raises:
        BadAudio: ffmpeg cannot read it, or it has no such channel.
    """
    sound = _ffmpeg(
        "-i", _file(path), "-vn", "-af", f"pan=mono|c0=c{channel}",
        "-ar", str(rate), "-f", "s16le", "pipe:1",
        about=path,
    )  # fmt: skip
    return np.frombuffer(sound, dtype="<i2").astype(np.int16, copy=False)


def to_telephone_wav(src: Path, dst: Path) -> None:
    """Turn any sound file into what a telephone plays: WAV, 8 kHz, mono, 16 bit, whole or not at all.

    The low-pass lies just under 4 kHz, so that nothing folds back into the speech band. The header is the
    plain 44 bytes, since some PBX players take notes in a header for noise.

    Raises:
        BadAudio: ffmpeg cannot read `src`, or it holds no sound.
    """
    handle, name = tempfile.mkstemp(dir=dst.parent, prefix=".telephone-", suffix=".wav")
    os.close(handle)
    temporary = Path(name)
    try:
        _ffmpeg(
            "-y", "-i", _file(src), "-vn",
            "-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact",
            "-af", f"aresample={TELEPHONE_RATE}:filter_size=128:cutoff=0.96",
            "-ac", "1", "-c:a", "pcm_s16le", "-f", "wav", _file(temporary),
            about=src,
        )  # fmt: skip
        if usable_seconds(temporary) == 0.0:
            raise BadAudio(f"{src.name} holds no sound")
        # mkstemp made it private; the PBX, perhaps another user, has to play it.
        temporary.chmod(0o644)
        temporary.replace(dst)
    finally:
        temporary.unlink(missing_ok=True)


def peaks(path: Path, n: int = 600) -> tuple[list[int], list[int]]:
    """The waveform of a stereo file: `n` (fewer if it is very short) loudest values per channel, in order.

    Integers 0 … 100, per cent of full scale.

    Raises:
        BadAudio: ffmpeg cannot read it.
    """
    step = 80  # samples, 10 ms: fine enough to cut into n parts once the length is known
    loudest = []
    for piece in _stereo_pieces(path, frames=step * 1024):
        padded = np.zeros((-(-len(piece) // step) * step, 2), dtype=np.int32)
        padded[: len(piece)] = np.abs(piece.astype(np.int32))
        loudest.append(padded.reshape(-1, step, 2).max(axis=1))
    if not loudest:
        raise BadAudio(f"{path.name} holds no sound")
    columns = np.concatenate(loudest)
    parts = min(n, len(columns))
    starts = np.arange(parts) * len(columns) // parts
    per_cent = np.maximum.reduceat(columns, starts, axis=0) * 100 // _FULL_SCALE
    return per_cent[:, 0].tolist(), per_cent[:, 1].tolist()


def _header(path: Path) -> tuple[WavHeader | None, int]:
    """The header (None for a file with no bytes) and the file's size."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        try:
            return (read_header(file.read(HEAD_BYTES)) if size else None), size
        except BadAudio as error:
            raise BadAudio(f"{path.name}: {error}") from None


def _telephone_pcm(path: Path | None, folder: Path) -> NDArray[np.int16]:
    """Samples of one side at 8 kHz, mapped and not read; converted by ffmpeg first where that is needed."""
    if path is None:
        return np.zeros(0, dtype="<i2")
    header, size = _header(path)
    if header is None or header.data_bytes(size) == 0:
        return np.zeros(0, dtype="<i2")
    if (header.encoding, header.channels, header.rate, header.bits) != (PCM, 1, TELEPHONE_RATE, 16):
        converted = folder / f"{path.stem}.telephone.wav"
        to_telephone_wav(path, converted)
        return _telephone_pcm(converted, folder)
    count = header.data_bytes(size) // 2
    return np.memmap(path, dtype="<i2", mode="r", offset=header.data_at, shape=(count,))


def _stereo_pieces(path: Path, frames: int) -> Iterator[NDArray[np.int16]]:
    """Decode to 8 kHz stereo in pieces of shape (≤ frames, 2), without holding the whole in memory."""
    # Beside the file: the system's folder for temporary files is often memory.
    with tempfile.TemporaryFile(dir=path.parent) as raw:
        _ffmpeg(
            "-i", _file(path), "-vn", "-ac", "2", "-ar", str(TELEPHONE_RATE), "-f", "s16le", "pipe:1",
            about=path, into=raw.fileno(),
        )  # fmt: skip
        raw.seek(0)
        while piece := raw.read(frames * 4):
            yield np.frombuffer(piece, dtype="<i2").reshape(-1, 2)


def _ffmpeg(*arguments: str, about: Path, into: int = subprocess.PIPE) -> bytes:
    """Run ffmpeg; give what it wrote to its standard output."""
    # Only local files: a playlist in disguise must not make it fetch anything.
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        "-nostdin",
        "-loglevel",
        "error",
        "-protocol_whitelist",
        "file,pipe",
    ]
    try:
        done = subprocess.run(
            [*command, *arguments],
            stdin=subprocess.DEVNULL, stdout=into, stderr=subprocess.PIPE,
            timeout=FFMPEG_DEADLINE_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise BadAudio(f"ffmpeg did not finish {about.name} within {FFMPEG_DEADLINE_S:.0f} s") from error
    if done.returncode:
        raise BadAudio(f"ffmpeg cannot read {about.name}: {_last_line(done.stderr)}")
    return done.stdout or b""


def _file(path: Path) -> str:
    """A path that ffmpeg takes for nothing else: no option, no protocol."""
    return f"file:{path.absolute()}"


def _last_line(stderr: bytes) -> str:
    lines = stderr.decode(errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else "it gave no reason"


_pydub_folder = threading.local()


def _temporary_for_pydub(mode: str, delete: bool) -> Any:
    return tempfile.NamedTemporaryFile(mode, delete=delete, dir=_pydub_folder.path)


@cache
def _pydub() -> Any:
    """pydub, told where ffmpeg is and where its temporary files belong.

    Loaded late: it looks for ffmpeg on PATH as it is imported, and warns. By itself it leaves a caller's
    voice in the system's temporary folder when it fails or is killed; here that lies beside the output,
    in a folder that is cleared in every case.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pydub import audio_segment
    audio_segment.NamedTemporaryFile = _temporary_for_pydub
    audio_segment.AudioSegment.converter = imageio_ffmpeg.get_ffmpeg_exe()
    return audio_segment


def _encode(raw: Path, folder: Path, out: Path, *, apart: bool = True) -> None:
    """Raw 8 kHz stereo samples to MP3. Sides that are not `apart` are the same, and share their bits."""
    pydub = _pydub()
    _pydub_folder.path = folder
    with raw.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as samples:
        segment = pydub.AudioSegment(data=samples, sample_width=2, frame_rate=TELEPHONE_RATE, channels=2)
        # -timelimit: pydub itself would wait for ever.
        limits = ["-loglevel", "error", "-timelimit", f"{FFMPEG_DEADLINE_S:.0f}"]
        try:
            segment.export(
                out,
                format="mp3",
                bitrate=BITRATE,
                parameters=["-joint_stereo", "0" if apart else "1", *limits],
            ).close()
        except pydub.CouldntEncodeError as error:
            out.unlink(missing_ok=True)
            reason = str(error).strip().strip("'").replace("\\n", "\n").encode()
            raise BadAudio(f"ffmpeg cannot encode the recording: {_last_line(reason)}") from None
