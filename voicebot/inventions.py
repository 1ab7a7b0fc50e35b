"""Words that a recogniser made up: what it writes where nobody spoke. Pure.

Whisper was trained on subtitles: on a cough, a tune or noise it likes to thank for watching. Its own doubt
(`no_speech`) catches most of that; this catches the rest.
"""

import re
from typing import Final

from recordings.transcript import Recognised

FASTEST: Final = 32.0
"""Letters a second: a hurried speaker has 20."""
SOFT_S: Final = 0.4
"""Soft beginnings and ends of words, which pass no gate."""
UNSURE: Final = 0.35
"""No-speech probability from which an invention's words are believed to be one."""
DOUBTFUL: Final = 0.5
"""Confidence below which they are, too."""

# Said by callers, too: only in doubt are they inventions.
_SUBTITLES: Final = frozenset(
    (
        *("you", "thank you", "thanks", "bye", "bye bye", "oh", "so", "okay", "the", "i", "mm", "hmm", "uh"),
        *(
            "thank you very much",
            "i'm sorry",
            "music",
            "applause",
            "silence",
            "beep",
            "ding",
            "шум",
            "музыка",
        ),
        *("спасибо", "аплодисменты", "смех", "продолжение следует"),
    )
)
# Said by nobody on the telephone.
_NEVER: Final = re.compile(
    r"thank(s| you)( so much| very much)? for (watching|listening|your attention)|subscribe|subtitles? by|"
    r"amara\.org|субтитры|редактор субтитров|спасибо за (просмотр|внимание)|подписывайтесь",
)


def is_invented(recognised: Recognised, spoken_s: float) -> bool:
    """Whether nobody said this. `spoken_s`: from the first to the last frame of speech."""
    text = " ".join(re.findall(r"[\w'.]+", recognised.text.lower())).strip(". ")
    if not any(letter.isalnum() for letter in text):
        return True
    if _NEVER.search(text) or re.fullmatch(r"\W*[\[(*♪].*[\])*♪]\W*", recognised.text):
        return True
    if len(text) > FASTEST * (spoken_s + SOFT_S):
        return True
    doubtful = recognised.no_speech > UNSURE or (
        recognised.confidence is not None and recognised.confidence < DOUBTFUL
    )
    return text in _SUBTITLES and doubtful
