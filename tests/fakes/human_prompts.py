"""Human speech with its published words: Debian's asterisk-core-sounds, read on the 8 kHz telephone band.

Serves tests and the bench. English prompts of four words or more; what only describes a sound is left out.
"""

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.audiosocket_client import read_wav

_ENTRY = re.compile(r"^([A-Za-z0-9_/-]+): *(.*)$")
_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"),
    *("twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


@dataclass(frozen=True, slots=True)
class Prompt:
    """One recording."""

    name: str
    words: str
    pcm: bytes  # signed 16-bit little-endian mono, 8 kHz

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.pcm) / 16000


def human_prompts(tree: Path, shortest: int = 4) -> list[Prompt]:
    """All prompts of at least `shortest` words, under the root of an unpacked or installed Debian package."""
    sounds = next(tree.glob("usr/share/asterisk/sounds/en_US*/agent-pass.wav")).parent
    published = next(tree.glob("usr/share/doc/asterisk-core-sounds-en*/core-sounds-en.txt*"))
    return [
        Prompt(name, words, read_wav(sounds / f"{name}.wav"))
        for name, words in _entries(published)
        if len(words.split()) >= shortest
        and not re.search(r"[\[(]", words)  # "[ascending tones]"
        and (sounds / f"{name}.wav").exists()
    ]


def _entries(published: Path) -> Iterator[tuple[str, str]]:
    raw = published.read_bytes()
    text = gzip.decompress(raw) if published.suffix == ".gz" else raw
    for line in text.decode("utf-8", "replace").splitlines():
        entry = _ENTRY.match(line.strip())
        if entry:
            yield entry[1], entry[2]


def word_pair(said: str, recognised: str) -> tuple[list[str], list[str]]:
    """Both texts as words that can be compared: what sounds the same counts as the same, nothing else does.

    Case and punctuation go, figures become words (but not "thats" "that is"), and a compound counts the same
    in one word and in two ("file name", "filename").
    """
    left, right = _words(said), _words(recognised)
    return _compounds(left, right), _compounds(right, left)


def edits(said: list[str], recognised: list[str]) -> int:
    """Words substituted, left out or put in (Levenshtein): the numerator of the word error rate."""
    row = list(range(len(recognised) + 1))
    for at, word in enumerate(said, 1):
        diagonal, row[0] = row[0], at
        for to, other in enumerate(recognised, 1):
            diagonal, row[to] = row[to], min(row[to] + 1, row[to - 1] + 1, diagonal + (word != other))
    return row[-1]


def _words(text: str) -> list[str]:
    text = text.lower().replace("’", "'").replace("#", " pound ").replace("*", " star ").replace("&", " and ")
    text = re.sub(r"\d+", lambda figure: f" {_number(figure[0])} ", text)
    return re.sub(r"[^a-z' ]", " ", text).replace("'", "").split()


def _number(figure: str) -> str:
    value = int(figure)
    if len(figure) > 3 or (figure[0] == "0" and len(figure) > 1):
        return " ".join(_ONES[int(digit)] for digit in figure)
    if value < 20:
        return _ONES[value]
    if value < 100:
        return _TENS[value // 10 - 2] + (f" {_ONES[value % 10]}" if value % 10 else "")
    return f"{_ONES[value // 100]} hundred" + (f" {_number(str(value % 100))}" if value % 100 else "")


def _compounds(words: list[str], others: list[str]) -> list[str]:
    """Join neighbours that stand as one word on the other side."""
    there = set(others)
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] + word in there and not {joined[-1], word} <= there:
            joined[-1] += word
        else:
            joined.append(word)
    return joined
