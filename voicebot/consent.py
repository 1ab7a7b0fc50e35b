"""Whether an answer to the bot's own question is a yes or a no. Pure."""

from functools import cache
from typing import Final

from voicebot.moves import Heard
from voicebot.understanding import Kind
from voicebot.wishes import Wishes, without_fillers, words

YES_KEYS: Final = frozenset("1#")
NO_KEYS: Final = frozenset("2*")
_MOST_WORDS: Final = 5
"""Of an answer in which a yes may come last; in a longer one a no is looked for in so many."""


def says_yes(heard: Heard, language: str) -> bool | None:
    """To a question that wants a yes or a no; None: neither. "Yes, that is my number", "not quite".

    A no comes first, and a yes is only what is one by itself: many words may stand in one ("I", "want") and
    begin quite another matter.
    """
    wishes = _wishes(language)
    spoken = words(heard.text, language)
    said = without_fillers(spoken, language) or spoken  # the Russian "так" is a filler, and a yes
    kind = heard.understood.kind
    if not said:
        return None if kind not in (Kind.YES, Kind.NO) else kind is Kind.YES
    short, begins_with_a_yes = len(said) <= _MOST_WORDS, wishes.begins_with_a_yes(said)
    if wishes.has_a_no(said[:_MOST_WORDS]) and (short or not begins_with_a_yes):
        return False
    return True if begins_with_a_yes or (short and wishes.begins_with_a_yes(said[-1:])) else None


@cache
def _wishes(language: str) -> Wishes:
    return Wishes(language=language)
