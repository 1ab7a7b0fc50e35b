"""What the bot has to know of a language: the shape that every file beside this one fills.

Pure data and what follows from it. Every word is lower case, as `voicebot.wishes.words` writes it (Russian
"ё" as "е"). Knows neither scripts nor dialogues.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

_NEVER = re.compile("(?!)")


def listed(block: str) -> list[str]:
    """The words of a block of text: long lists read better so."""
    return block.split()


def one_of(block: str) -> str:
    """A readable block of `a | b c | d` as one pattern."""
    return "(?:" + " ".join(block.split()).replace(" | ", "|") + ")"


def only(block: str) -> re.Pattern[str]:
    """Matches an utterance made of nothing but these."""
    return re.compile(f"^(?:{one_of(block)}(?: |$))+$")


def not_behind(words: Iterable[str]) -> str:
    """Matches where none of these stands before, and the space behind it."""
    return "".join(rf"(?<!\b{word} )" for word in words)


@dataclass(frozen=True)
class Numbers:
    """How numbers are spoken."""

    words: Mapping[str, int]
    """Numbers that add up, in every form: 0 … 19, tens, hundreds where they are one word."""
    hundred: frozenset[str] = frozenset()
    """Words that multiply what stands before them by a hundred."""
    scales: Mapping[str, int] = field(default_factory=dict)
    """Thousand, million."""
    singular: frozenset[str] = frozenset()
    """Forms of these that follow only a number ending in one: what stands before them is another number."""
    ordinals: Mapping[str, int] = field(default_factory=dict)
    """"third": a day of the month or the end of a year, never a digit of a code."""
    times: Mapping[str, int] = field(default_factory=dict)
    """"double five": how often the next digit is said."""
    digit_names: Mapping[str, int] = field(default_factory=dict)
    """Nouns for a digit that can be counted: the Russian "two fives" is 55."""
    sound_alike: Mapping[str, int] = field(default_factory=dict)
    """What recognisers write for a digit ("to", "for"); believed only between digits."""
    inside: frozenset[str] = frozenset()
    """Words inside one spoken number: "a hundred and two"."""
    glue: frozenset[str] = frozenset()
    """Words between the parts of one code: "and then", "dash"."""
    corrections: frozenset[str] = frozenset()
    """What follows these stands instead of what was said before."""


@dataclass(frozen=True)
class Dates:
    """How dates are spoken and written."""

    months: Mapping[str, int]
    weekdays: Mapping[str, int]
    """Monday is 0."""
    days: Mapping[str, int]
    """"tomorrow" and its like, also of several words, as days from today."""
    units: Mapping[str, tuple[str, int]]
    """"week": ("day", 7); "month": ("month", 1)."""
    ahead: frozenset[str]
    """Words before "three days" that make it the future."""
    ago: frozenset[str]
    """Words behind it that make it the past."""
    coming: frozenset[str]
    past: frozenset[str]
    """Words before a weekday or a unit: "next", "last"."""
    day_first: bool = True
    """05/03: the fifth of March, or the third of May."""
    day_before: frozenset[str] = frozenset()
    day_behind: frozenset[str] = frozenset()
    """Words beside a lone ordinal that make it a day of the month: "the fifth"."""
    suffixes: str = ""
    """Endings of written ordinals ("3rd"), as alternatives of a pattern."""


@dataclass(frozen=True)
class Wordings:
    """Wishes that every caller may have, as patterns over words that one space parts."""

    fillers: frozenset[str]
    """Words that carry nothing: "um", "please"."""
    polite: frozenset[str]
    """Words that may stand around a short request for a person."""
    requests: tuple[re.Pattern[str], ...]
    """Anywhere in what was said: a request for a person."""
    short_request: re.Pattern[str]
    """The same if it is all that was said."""
    goodbye: re.Pattern[str]
    goodbye_word: re.Pattern[str]
    """An utterance made only of courtesies, and at least one of those that end a call."""
    no: re.Pattern[str]
    yes: re.Pattern[str]
    """An utterance made only of words that may stand in a no, or in a yes ("I have another question")."""
    no_words: frozenset[str]
    """Words that make a short answer a no."""
    yes_word: re.Pattern[str]
    """What is a yes by itself, at the beginning of an answer or as its last word."""
    plain_requests: tuple[re.Pattern[str], ...] = ()
    """A request for a person, whatever else is said: "I need an operator", and then the matter itself. What
    makes it none ("… who sold me the ticket") is in the pattern, and stands right behind it."""
    with_a_please: re.Pattern[str] = _NEVER
    """The same, with the "please" that is a filler everywhere else."""
    plain_person: re.Pattern[str] = _NEVER
    """Who is asked for by a short request that is one clause of several."""
    new_clause: re.Pattern[str] = _NEVER
    """Before this another clause begins, where no punctuation says so."""
    goes_on: re.Pattern[str] = _NEVER
    """What begins so is the same clause in spite of the comma before it."""
    something_else: re.Pattern[str] = _NEVER
    """Who says this speaks of a person as of something else ("in person"), in this clause …"""
    contact: re.Pattern[str] = _NEVER
    """… unless they say this, too ("talk")."""
    person_words: tuple[str, ...] = ()
    """Long words for a person, to be found in bad spellings."""
    speaking_to: re.Pattern[str] = _NEVER
    """Who says this asks for somebody: bad spellings are mended then, however long the utterance is."""
    forgiving: bool = False
    """Whether bad spellings of these are mended in long utterances, too; False: only in short ones."""
    sounds: Mapping[int, str] = field(default_factory=dict)
    """Letters that sound like others (`str.maketrans`): one and the same in a bad spelling."""
    rewrites: tuple[tuple[re.Pattern[str], str], ...] = ()
    """Replacements in the lower-case text, before it is cut into words."""
    spellings: Mapping[str, str] = field(default_factory=dict)
    """Words written in full: "can't" is "can not"."""


@dataclass(frozen=True)
class Pauses:
    """Where a caller only draws breath, as a recogniser writes it (Russian with its "ё"). Empty: nowhere."""

    not_last: frozenset[str] = frozenset()
    """Words that nobody ends a sentence with: articles, joints, fillers."""
    wishes: tuple[str, ...] = ()
    """The same of several words, where a sentence is nothing more: "i want"."""


FIGURE = "+figure"
"""What stands for every number in figures."""


def meanings(block: str, root: Callable[[str], str]) -> Mapping[tuple[str, ...], str]:
    """Lines of `name: word | several words | …` as roots of the words and "+name"."""
    found = {}
    for line in block.strip().splitlines():
        name, _, wordings = line.partition(":")
        for wording in wordings.split("|"):
            found[tuple(root(word) for word in wording.split())] = f"+{name.strip()}"
    return found


@dataclass(frozen=True)
class Topics:
    """What the language's words are about, as far as no script says it."""

    root: Callable[[str], str]
    """A word without its endings; irregular forms as the regular one."""
    meanings: Mapping[tuple[str, ...], str]
    """What means the same on any support line ("what time", "which day": "+when"), by roots of the words."""
    asks: frozenset[str]
    """Those of the meanings that say what is asked: a price is no answer to "+when"."""
    neutral: frozenset[str]
    """Words that say how something is asked, not what about. Each also stands for its inflections."""
    background: tuple[str, ...]
    """Sentences that callers of any line say. They teach which words are common and what is out of scope."""
    joints: frozenset[str]
    """Words between the clauses of a sentence."""
    openers: frozenset[str]
    """Words that begin a question, also right behind another sentence: "I won where do I go"."""

    def senses(self, spoken: Sequence[str]) -> list[str]:
        """Roots of words, and meanings in place of whatever has one: the longest wordings first."""
        roots = [FIGURE if word[0].isdecimal() else self.root(word) for word in spoken]
        longest = max(map(len, self.meanings), default=1)
        found, at = [], 0
        while at < len(roots):
            for size in range(min(longest, len(roots) - at), 0, -1):
                meaning = self.meanings.get(tuple(roots[at : at + size]))
                if meaning is not None or size == 1:
                    found.append(meaning or roots[at])
                    at += size
                    break
        return found


@dataclass(frozen=True)
class Language:
    """One language, by its BCP 47 code."""

    code: str
    numbers: Numbers
    dates: Dates
    wordings: Wordings
    topics: Topics
    pauses: Pauses = Pauses()
