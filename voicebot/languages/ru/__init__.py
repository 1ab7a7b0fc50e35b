"""Russian."""

from voicebot.languages.ru.numbers import DATES, NUMBERS
from voicebot.languages.ru.pauses import PAUSES
from voicebot.languages.ru.topics import TOPICS
from voicebot.languages.ru.wordings import WORDINGS
from voicebot.languages.shape import Language

LANGUAGE = Language(code="ru", numbers=NUMBERS, dates=DATES, wordings=WORDINGS, topics=TOPICS, pauses=PAUSES)
