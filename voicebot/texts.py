"""Texts with fields: `Ticket {ticket} has won {prize} dollars.`

Pure. A text without fields is spoken as a whole, rendered ahead; of a text with fields the sentences without
any still are, and only the others are spoken for this one call. Knows neither slots nor look-ups: whoever
composes gives the words for each field, once as they are spoken and once as the ledger may keep them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

CUSTOMER: Final = "customer"
"""The field that may be unknown: then the sentence around it is left out."""

_FIELD = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_SENTENCE_ENDS = re.compile(r"(?<=[.!?…])\s+")


class MissingField(Exception):
    """A text wants a field that nobody has a word for."""


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch that is spoken in one breath. `kept`: rendered ahead and the same for every caller."""

    text: str
    kept: bool = True


@dataclass(frozen=True, slots=True)
class Composed:
    """A text with its fields filled in."""

    told: str  # as the ledger keeps it: private values masked
    parts: tuple[Part, ...]  # as it is spoken


def fields_of(text: str) -> set[str]:
    """The names in braces.

    Raises:
        ValueError: braces that are no field.
    """
    if set("{}") & set(_FIELD.sub("", text)):
        raise ValueError("write a field as {name}, in lower case; there are no other braces in a text")
    return set(_FIELD.findall(text))


def fixed_parts(text: str) -> Iterator[str]:
    """What of a text can be rendered ahead."""
    if not _FIELD.search(text):
        yield text
        return
    for sentence in _SENTENCE_ENDS.split(text):
        if not _FIELD.search(sentence):
            yield sentence


def compose(text: str, spoken: Mapping[str, str], told: Mapping[str, str]) -> Composed:
    """Fill in the fields; `told` has those words that the ledger keeps instead of the spoken ones.

    Raises:
        MissingField: `spoken` lacks one (other than the customer's).
    """
    if not _FIELD.search(text):
        return Composed(text, (Part(text),))
    parts: list[Part] = []
    kept: list[str] = []
    for sentence in _SENTENCE_ENDS.split(text):
        wanted = set(_FIELD.findall(sentence))
        missing = wanted - spoken.keys()
        if missing == {CUSTOMER}:
            continue
        if missing:
            raise MissingField(", ".join(sorted(missing)))
        parts.append(Part(_fill(sentence, spoken), kept=not wanted))
        kept.append(_fill(sentence, {**spoken, **told}))
    return Composed(" ".join(kept), tuple(parts))


def _fill(text: str, words: Mapping[str, str]) -> str:
    return _FIELD.sub(lambda found: words[found[1]], text)
