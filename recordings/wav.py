"""Reading a WAV header that may lie: a PBX that was killed leaves zero or nonsense for the lengths.

Pure: bytes in, positions out (RIFF: "Multimedia Programming Interface and Data Specifications 1.0", 1991).
Knows no file and no ffmpeg.
"""

import struct
from dataclasses import dataclass

HEAD_BYTES = 4096
"""How much of a file's beginning is enough: Asterisk's header is 44 bytes, others add a few notes."""

PCM = 1
_EXTENSIBLE = 0xFFFE


class BadAudio(Exception):
    """A file that should hold sound does not, or ffmpeg cannot read it; the message says which and why."""


@dataclass(frozen=True, slots=True)
class WavHeader:
    """What stands before the samples."""

    encoding: int  # 1 is linear PCM
    channels: int
    rate: int  # samples per second and channel
    bits: int  # per sample
    data_at: int  # where the samples begin, in bytes
    data_claimed: int  # how many bytes of samples the header speaks of: to be doubted

    @property
    def frame_bytes(self) -> int:
        """Bytes of one instant over all channels, 1 at least."""
        return max(1, self.channels * self.bits // 8)

    def data_bytes(self, file_bytes: int) -> int:
        """How many whole-frame bytes of samples a file of this size really holds.

        A header of a living or killed writer claims zero or more than there is: then the size decides.
        """
        there = max(0, file_bytes - self.data_at)
        claimed = self.data_claimed if 0 < self.data_claimed <= there else there
        return claimed - claimed % self.frame_bytes

    def is_finished(self, file_bytes: int) -> bool:
        """Whether the writer closed the file: only then does the header speak of samples and fit the size."""
        # An odd count is padded by one byte that the length does not tell of.
        return 0 < self.data_claimed <= file_bytes - self.data_at <= self.data_claimed + 1


def read_header(head: bytes) -> WavHeader:
    """Understand the first `HEAD_BYTES` (or fewer) bytes of a WAV file.

    Raises:
        BadAudio: it is no WAV file, or its header has no beginning of samples in these bytes.
    """
    if len(head) < 12 or head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        raise BadAudio("not a WAV file")
    form: tuple[int, int, int, int] | None = None
    at = 12
    while at + 8 <= len(head):
        name, size = struct.unpack_from("<4sI", head, at)
        at += 8
        if name == b"data":
            if form is None:
                raise BadAudio("a WAV file whose samples come before their format")
            return WavHeader(*form, data_at=at, data_claimed=size)
        if name == b"fmt ":
            form = _format(head[at : at + size])
        at += size + size % 2
    raise BadAudio("a WAV file cut off within its header")


def _format(chunk: bytes) -> tuple[int, int, int, int]:
    if len(chunk) < 16:
        raise BadAudio("a WAV file cut off within its header")
    encoding, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
    if encoding == _EXTENSIBLE and len(chunk) >= 26:
        (encoding,) = struct.unpack_from("<H", chunk, 24)
    if not (0 < channels <= 16 and 0 < rate <= 768_000):
        raise BadAudio("a WAV file with an impossible format")
    return encoding, channels, rate, bits
