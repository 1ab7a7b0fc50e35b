"""English."""

from voicebot.languages.en.numbers import DATES, NUMBERS
from voicebot.languages.en.pauses import PAUSES
from voicebot.languages.en.topics import TOPICS
from voicebot.languages.en.wordings import WORDINGS
from voicebot.languages.shape import Language

LANGUAGE = Language(code="en", numbers=NUMBERS, dates=DATES, wordings=WORDINGS, topics=TOPICS, pauses=PAUSES)
