"""The languages that the bot understands: one file each. Adding one is a file with a `LANGUAGE`.

A language without a file is treated by the rules of English, which do little harm to it: its scenario brings
example phrases and its own `operator_words` and `goodbye_words`.
"""

import importlib
import importlib.util
import re
from functools import cache

from voicebot.languages.shape import Language

DEFAULT = "en"


@cache
def find(code: str) -> Language:
    """The language of a BCP 47 code ("ru", "en-US"); English where there is no file for it."""
    base = code.lower().split("-")[0]
    name = f"{__name__}.{base}"
    known = re.fullmatch("[a-z]{2,3}", base) and importlib.util.find_spec(name)
    language: Language = importlib.import_module(name if known else f"{__name__}.{DEFAULT}").LANGUAGE
    return language
