"""Values out of speech: a code's digits, a number, a date, in words or in figures, as recognisers write them.

Pure: "today" is passed in. What a value is for, and whether to believe it, the dialogue decides; it reads it
back to the caller.
"""

from voicebot import languages
from voicebot.spoken_dates import date_of
from voicebot.spoken_numbers import last_with_numbers, tokens

__all__ = ["date_of", "digits", "number_of"]

_LARGEST = 10**12


def digits(text: str, language: str) -> str:
    """The digits of the code said in `text`, "" if there is none.

    "one zero two", "1-0-2" and "102" are all "102"; "double five" is "55", "twenty three" "23". Of several
    codes the longest counts, and the later of equals; "no", "I mean" strike out what stands before them.
    """
    spoken = languages.find(language)
    found = last_with_numbers(tokens(text, spoken), spoken.numbers)
    said = ["".join(part.digits for part in run) for run in found]
    return max(reversed(said), key=len, default="")


def number_of(text: str, language: str) -> int | None:
    """How many: the first number said in `text` (after a correction the first behind it), None if none."""
    spoken = languages.find(language)
    found = last_with_numbers(tokens(text, spoken), spoken.numbers)
    said = "".join(part.digits for part in found[0]) if found else ""
    return int(said) if said and len(said) <= len(str(_LARGEST)) else None
