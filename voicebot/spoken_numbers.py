"""Numbers out of speech: the words and figures of an utterance as runs of digits.

Pure. `voicebot.values` and `voicebot.spoken_dates` build on it; whether a number is a ticket, an amount or a
year they decide.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from voicebot.languages.shape import Language, Numbers

LONGEST: Final = 120
"""Words looked at: nobody says more in one utterance."""


class Token(NamedTuple):
    """One word or one group of figures."""

    text: str  # lower case; figures alone if it was "3rd"
    ordinal: bool = False  # written as one: "3rd"
    comma: bool = False  # a comma or full stop stands behind it


@dataclass(frozen=True, slots=True)
class Part:
    """One number inside an utterance."""

    digits: str
    begin: int  # index of its first token
    end: int  # behind its last token
    ordinal: bool = False


def tokens(text: str, language: Language) -> list[Token]:
    """Words and figures, without punctuation; hyphens part words ("twenty-three", "1-0-2")."""
    plain = text.lower().replace("ё", "е").replace("’", "'")
    # "1,200" is one number; "2.50" is two and something
    plain = re.sub(r"(?<![\d.,])(\d{1,3})((?:,\d{3})+)(?![\d,])", lambda m: m[0].replace(",", ""), plain)
    found = []
    for match in re.finditer(r"(\d+)(?:-?([^\W\d_]+))?|[^\W\d_][\w']*", plain):
        comma = plain[match.end() : match.end() + 1] in (",", ".", ";")
        if match[1] is None:
            found.append(Token(match[0], comma=comma))
            continue
        ordinal = bool(match[2] and re.fullmatch(language.dates.suffixes or "(?!)", match[2]))
        found.append(Token(match[1], ordinal, comma and (ordinal or not match[2])))
        if match[2] and not ordinal:
            found.append(Token(match[2], comma=comma))
    return found[:LONGEST]


def read(spoken: Sequence[Token], numbers: Numbers, *, ordinals: bool = False) -> list[Part]:
    """All numbers of an utterance in their order. `ordinals`: whether "third" is one."""
    found, at = [], 0
    while at < len(spoken):
        part = _read_one(spoken, at, numbers, ordinals)
        if part is None:
            at += 1
        else:
            found.append(part)
            at = part.end
    return found


def runs(spoken: Sequence[Token], numbers: Numbers) -> list[list[Part]]:
    """The numbers that belong together: nothing but glue ("and then", "dash") stands between them."""
    found: list[list[Part]] = []
    for part in read(spoken, numbers):
        last = found[-1][-1] if found else None
        between = spoken[last.end : part.begin] if last else ()
        if last and all(token.text in numbers.glue for token in between):
            found[-1].append(part)
        else:
            found.append([part])
    return found


def pieces(spoken: Sequence[Token], numbers: Numbers) -> list[Sequence[Token]]:
    """The utterance cut at corrections ("no", "I mean"): what stands later is meant."""
    found, begin = [], 0
    for at, token in enumerate(spoken):
        if token.text in numbers.corrections:
            found.append(spoken[begin:at])
            begin = at + 1
    return [piece for piece in (*found, spoken[begin:]) if piece]


def _read_one(spoken: Sequence[Token], at: int, numbers: Numbers, ordinals: bool) -> Part | None:
    token = spoken[at]
    if token.text.isdecimal():
        following = spoken[at + 1].text if at + 1 < len(spoken) else ""
        if following in numbers.scales and not token.ordinal:
            return _composed(spoken, at, numbers, ordinals)
        return Part(token.text, at, at + 1, token.ordinal) if ordinals or not token.ordinal else None
    repeated = _repeated(spoken, at, numbers)
    if repeated is not None:
        return repeated
    if _is_mere_oh(spoken, at):
        return None
    alike = numbers.sound_alike.get(token.text)
    if alike is not None:
        return Part(str(alike), at, at + 1) if _between_digits(spoken, at, numbers) else None
    return _composed(spoken, at, numbers, ordinals)


def _repeated(spoken: Sequence[Token], at: int, numbers: Numbers) -> Part | None:
    """ "double five", "two fives", "пятерка"."""
    word, following = spoken[at].text, spoken[at + 1].text if at + 1 < len(spoken) else ""
    if word in numbers.times:
        digit = int(following) if following.isdecimal() else numbers.words.get(following, 10)
        return Part(str(digit) * numbers.times[word], at, at + 2) if digit < 10 else None
    count = numbers.words.get(word, 0)
    if 1 <= count <= 9 and following in numbers.digit_names:
        return Part(str(numbers.digit_names[following]) * count, at, at + 2)
    if word in numbers.digit_names and word not in numbers.words:
        return Part(str(numbers.digit_names[word]), at, at + 1)
    return None


def _is_mere_oh(spoken: Sequence[Token], at: int) -> bool:
    """ "Oh, one two five" sighs; "oh one two five" counts."""
    return spoken[at].text in ("oh", "o") and (spoken[at].comma or len(spoken) == 1) and at == 0


def _between_digits(spoken: Sequence[Token], at: int, numbers: Numbers) -> bool:
    """Whether a digit is said right before this and right behind, or nothing comes behind."""

    def digit(index: int) -> bool:
        text = spoken[index].text
        return text.isdecimal() or numbers.words.get(text, 10) < 10

    return at > 0 and digit(at - 1) and (at + 1 == len(spoken) or digit(at + 1))


def _composed(spoken: Sequence[Token], at: int, numbers: Numbers, ordinals: bool) -> Part | None:
    """One number of several words: "two hundred and five thousand twelve"."""
    begin, total, ceiling, ordinal = at, 0, 10**9, False
    while True:
        small, end, ordinal = _below_thousand(spoken, at, numbers, ordinals)
        scale = numbers.scales.get(spoken[end].text) if end < len(spoken) and not ordinal else None
        if scale and end > at and spoken[end].text in numbers.singular and small % 10 != 1:
            return Part(str(total + small), begin, end)
        if scale is not None and scale < ceiling and (end > at or not total):
            total += (small if end > at else 1) * scale
            ceiling, at = scale, end + 1
            if at < len(spoken) and spoken[at].text in numbers.inside and _starts(spoken, at + 1, numbers):
                at += 1
            if _starts(spoken, at, numbers, ordinals) and ceiling > 1:
                continue
            return Part(str(total), begin, at)
        if end == at:
            return Part(str(total), begin, at) if total else None
        if total and small >= ceiling:
            return Part(str(total), begin, at)
        return Part(str(total + small), begin, end, ordinal)


def _starts(spoken: Sequence[Token], at: int, numbers: Numbers, ordinals: bool = False) -> bool:
    """Whether a number other than zero stands here that may end a bigger one."""
    if at >= len(spoken):
        return False
    text = spoken[at].text
    return numbers.words.get(text, 0) > 0 or (ordinals and text in numbers.ordinals)


def _below_thousand(
    spoken: Sequence[Token], at: int, numbers: Numbers, ordinals: bool
) -> tuple[int, int, bool]:
    """The value, the index behind it, whether it ends in an ordinal; index `at` if there is none."""
    value, begin, ceiling = 0, at, 1000
    if spoken[at : at + 1] and spoken[at].text.isdecimal():
        return int(spoken[at].text[:9]), at + 1, False
    while at < len(spoken):
        word = spoken[at].text
        ordinal = ordinals and word in numbers.ordinals and word not in numbers.words
        number = numbers.ordinals[word] if ordinal else numbers.words.get(word)
        if word in numbers.hundred and value < 100 and (value or at == begin):
            value, ceiling = max(value, 1) * 100, 100
        elif (
            word in numbers.inside
            and value >= 100
            and ceiling == 100
            and _starts(spoken, at + 1, numbers, ordinals)
        ):
            pass
        elif number is not None and number < ceiling and (number or at == begin):
            value += number
            ceiling = 100 if number >= 100 else 10 if number >= 20 else 0
        else:
            break
        at += 1
        if ordinal:
            return value, at, True
    return value, at, False


def last_with_numbers(spoken: Sequence[Token], numbers: Numbers) -> list[list[Part]]:
    """The runs of the last piece of the utterance that has any."""
    found: Iterator[list[list[Part]]] = (runs(piece, numbers) for piece in reversed(pieces(spoken, numbers)))
    return next((piece for piece in found if piece), [])
