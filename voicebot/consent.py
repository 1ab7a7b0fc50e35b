"""Whether an answer to the bot's own question is a yes or a no. Pure."""

from functools import cache
from typing import Final

from voicebot.moves import Heard
from voicebot.understanding import Kind
from voicebot.wishes import Wishes, without_fillers, words

YES_KEYS: Final = frozenset("1#")
NO_KEYS: Final = frozenset("2*")
_MOST_WORDS: Final = 5
"""Of an answer to a question that wants a yes, when it does not begin with one."""


def says_yes(heard: Heard, language: str) -> bool | None:
    """To a question that wants a yes or a no; None: neither. "Yes, that is my number", "not quite"."""
    if heard.understood.kind in (Kind.YES, Kind.NO):
        return heard.understood.kind is Kind.YES
    wishes = _wishes(language)
    said = without_fillers(words(heard.text, language), language)
    if said and wishes.is_yes(said[:1]):
        return True
    if len(said) > _MOST_WORDS:
        return None
    if any(wishes.is_no([word]) for word in said):
        return False
    return True if wishes.is_yes(said[-1:]) else None


@cache
def _wishes(language: str) -> Wishes:
    return Wishes(language=language)
