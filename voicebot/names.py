"""The names in a script, for a recogniser that can be told of them: what callers say that no dictionary has.

Pure. A name is whatever is written with a capital inside a sentence.
"""

import re
from collections import Counter
from collections.abc import Iterable

MOST = 12
"""A longer list would make a recogniser hear names everywhere."""

_SENTENCE = re.compile(r"[^.!?:;…]+")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_NAME_GOES_ON = re.compile(r"[ «\"“]*")


def names_in(own: str, texts: Iterable[str]) -> tuple[str, ...]:
    """The company's own name and those in its texts, the most frequent ones first: "Main Street"."""
    found: Counter[str] = Counter({own: 1000})
    for text in texts:
        for sentence in _SENTENCE.findall(text):
            found.update(_names(sentence.strip()))
    return tuple(name for name, _ in found.most_common(MOST))


def _names(sentence: str) -> Iterable[str]:
    words = list(_WORD.finditer(sentence))
    name: list[str] = []
    last_end = 0
    for n, word in enumerate(words):
        capital = word[0][0].isupper() and len(word[0]) > 1
        joined = bool(_NAME_GOES_ON.fullmatch(sentence[last_end : word.start()]))
        if name and not (capital and joined):
            yield " ".join(name)
            name = []
        if capital and n > 0:  # the first word of a sentence has a capital anyway
            name.append(word[0])
        last_end = word.end()
    if name:
        yield " ".join(name)
