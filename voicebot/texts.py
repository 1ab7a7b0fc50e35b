"""Texts with fields: `Ticket {ticket} has won {prize} dollars.`

Pure. A text without fields is spoken as a whole, rendered ahead; of a text with fields the sentences without
any still are. A sentence whose fields are all digits is put together from its pieces and the ten digits, all
of them rendered ahead: saying a number back must not wait for a synthesiser. Only what is left is spoken for
this one call. Knows neither slots nor look-ups: whoever composes gives the words for each field, once as they
are spoken and once as the ledger may keep them.
"""

import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Final

CUSTOMER: Final = "customer"
"""The field that may be unknown: then the sentence around it is left out."""

BETWEEN_DIGITS_S: Final = 0.06
BETWEEN_GROUPS_S: Final = 0.25
BEFORE_WORDS_S: Final = 0.15

_FIELD = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_SENTENCE_ENDS = re.compile(r"(?<=[.!?…])\s+")


class MissingField(Exception):
    """A text wants a field that nobody has a word for."""


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch that is spoken in one breath. `kept`: rendered ahead and the same for every caller."""

    text: str
    kept: bool = True
    after_s: float | None = None  # silence between it and what was said before; None: as between sentences
    tight: bool = False  # without the silence around it that a synthesiser makes


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


def fixed_parts(text: str, digits: Set[str] = frozenset()) -> Iterator[str]:
    """What of a text can be rendered ahead. `digits`: the fields that are digits."""
    if not _FIELD.search(text):
        yield text
        return
    for sentence in _SENTENCE_ENDS.split(text):
        wanted = set(_FIELD.findall(sentence))
        if not wanted:
            yield sentence
        elif wanted <= digits:
            yield from (piece for piece in map(_piece, _FIELD.split(sentence)[::2]) if piece)
            yield from "0123456789"


def compose(
    text: str, spoken: Mapping[str, str], told: Mapping[str, str], digits: Set[str] = frozenset()
) -> Composed:
    """Fill in the fields; `told` has those words that the ledger keeps instead of the spoken ones.

    `digits`: fields that are said digit by digit, their words as `slots.say` writes them.

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
        if wanted and wanted <= digits:
            parts.extend(_put_together(sentence, spoken))
        else:
            parts.append(Part(_fill(sentence, spoken), kept=not wanted))
        kept.append(_fill(sentence, {**spoken, **told}))
    return Composed(" ".join(kept), tuple(parts))


def _put_together(sentence: str, words: Mapping[str, str]) -> Iterator[Part]:
    """Pieces of text and digits in turn."""
    first = True
    for place, stretch in enumerate(_FIELD.split(sentence)):
        if place % 2 == 0:
            if piece := _piece(stretch):
                yield Part(piece, after_s=None if first else BEFORE_WORDS_S, tight=True)
                first = False
            continue
        after_s = None if first else BEFORE_WORDS_S
        for sign in words[stretch]:
            if sign == ",":
                after_s = BETWEEN_GROUPS_S
            elif sign.isdigit():
                yield Part(sign, after_s=after_s, tight=True)
                after_s, first = BETWEEN_DIGITS_S, False


def _piece(stretch: str) -> str:
    """A stretch of text between fields that is spoken by itself; empty where there is no word in it."""
    text = stretch.strip(" ,;:")
    return text if any(sign.isalnum() for sign in text) else ""


def _fill(text: str, words: Mapping[str, str]) -> str:
    return _FIELD.sub(lambda found: words[found[1]], text)
