"""Spoilt inputs: seeds of a real wire bent, cut, doubled and mixed, and now and then plain noise. Pure.

Structure-aware in a plain way: inputs are bent line by line and number by number too, with words that the
parser at hand knows, so that most of them come further than its first check.
"""

import random
import re
from collections.abc import Callable, Sequence

LONGEST = 256 * 1024  # of a flood
USUAL = 16 * 1024  # of other inputs
_NUMBER = re.compile(rb"\d+")
_NUMBERS = (
    b"0",
    b"-1",
    b"1",
    b"2147483648",
    b"-9223372036854775809",
    b"1e999",
    b"nan",
    b"9" * 400,
    b"9" * 5000,
)
_ODD = (
    b"\0", b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\xff", b"\xc3", b"\xe2\x80\xa8", b"\xc2\x85", b"\xd9\xa1",
    b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\x1b[0m", b'"', b"'", b"\\", b"%00", b"../", b"{", b"}", b"[", b"]",
    b": ", b",", b";", b"=", b"&", b"*", b"#", b" ", b"\t",
)  # fmt: skip


class Mutator:
    """Makes inputs for one parser out of its seeds; the same seed number gives the same inputs."""

    def __init__(self, seeds: Sequence[bytes], words: Sequence[bytes], number: int) -> None:
        """`words`: what the parser knows, to be put in where it does not expect them."""
        self._seeds = seeds
        self._words = (*words, *_ODD)
        self._random = random.Random(number)
        self._ways: tuple[Callable[[bytes], bytes], ...] = (
            self._flip, self._drop, self._double, self._put_in, self._put_in, self._number, self._cut,
            self._splice, self._repeat_line, self._swap_lines, self._drop_line,
        )  # fmt: skip

    def next(self) -> bytes:
        """The next input."""
        dice = self._random.random()
        if dice < 0.02:
            return self._random.randbytes(self._random.randrange(200))
        data = self._random.choice(self._seeds)
        if dice < 0.04:
            return data
        if dice < 0.0402:
            return self._flood(data)
        for _ in range(self._random.choice((1, 1, 1, 2, 2, 3, 5, 8))):
            data = self._random.choice(self._ways)(data)[:USUAL]
        return data

    def pieces(self, data: bytes) -> list[bytes]:
        """The input as a socket might give it."""
        if self._random.random() < 0.5 or len(data) > 20_000:
            return [data]
        places = sorted(self._random.randrange(len(data) + 1) for _ in range(self._random.randrange(6)))
        return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]

    def _at(self, data: bytes) -> int:
        return self._random.randrange(len(data) + 1)

    def _flip(self, data: bytes) -> bytes:
        if not data:
            return data
        at = self._random.randrange(len(data))
        return data[:at] + bytes([data[at] ^ (1 << self._random.randrange(8))]) + data[at + 1 :]

    def _drop(self, data: bytes) -> bytes:
        at = self._at(data)
        return data[:at] + data[at + self._random.choice((1, 1, 2, 4, 16, 64)) :]

    def _double(self, data: bytes) -> bytes:
        at = self._at(data)
        end = at + self._random.choice((1, 2, 4, 16, 64))
        return data[:end] + data[at:end] * self._random.choice((1, 1, 2, 50)) + data[end:]

    def _put_in(self, data: bytes) -> bytes:
        at = self._at(data)
        return data[:at] + self._random.choice(self._words) + data[at:]

    def _number(self, data: bytes) -> bytes:
        found = list(_NUMBER.finditer(data[:20_000]))
        if not found:
            return self._put_in(data)
        match = self._random.choice(found)
        return data[: match.start()] + self._random.choice(_NUMBERS) + data[match.end() :]

    def _cut(self, data: bytes) -> bytes:
        at = self._at(data)
        return data[:at] if self._random.random() < 0.7 else data[at:]

    def _splice(self, data: bytes) -> bytes:
        other = self._random.choice(self._seeds)
        return data[: self._at(data)] + other[self._at(other) :]

    def _repeat_line(self, data: bytes) -> bytes:
        lines = data.splitlines(keepends=True)
        if not lines:
            return data
        at = self._random.randrange(len(lines))
        lines[at] *= min(self._random.choice((2, 2, 3, 20, 300)), 1 + USUAL // len(lines[at]))
        return b"".join(lines)

    def _swap_lines(self, data: bytes) -> bytes:
        lines = data.splitlines(keepends=True)
        if len(lines) < 2:
            return data
        one, other = self._random.randrange(len(lines)), self._random.randrange(len(lines))
        lines[one], lines[other] = lines[other], lines[one]
        return b"".join(lines)

    def _drop_line(self, data: bytes) -> bytes:
        lines = data.splitlines(keepends=True)
        if lines:
            del lines[self._random.randrange(len(lines))]
        return b"".join(lines)

    def _flood(self, data: bytes) -> bytes:
        """As long as anybody may send: what takes more than linear time shows itself here."""
        lines = data.splitlines(keepends=True) or [b"x"]
        unit = self._random.choice(
            (self._random.choice(lines), self._random.choice(self._words), data or b"x")
        )
        start = data[: self._at(data)]
        length = self._random.choice((LONGEST // 32, LONGEST // 6, LONGEST))
        return (start + unit * (length // len(unit) + 1))[:length]
