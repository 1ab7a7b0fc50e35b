"""What the caller wants: words in, one of the script's questions out – or an honest "out of scope".

Pure: knows no sound and no dialogue. A question is recognised by its example phrases (`voicebot.evidence`);
the score is the chance, from what is known of callers, that it was asked and nothing else.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from voicebot import languages
from voicebot.evidence import Evidence, Examples
from voicebot.judging import scale_of
from voicebot.languages.shape import Topics
from voicebot.meaning import Meaning
from voicebot.script import BotScript
from voicebot.wishes import Wishes, clauses, without_fillers, words

ACCEPT_CLAUSE: Final = 0.8
"""The same for one clause of a long sentence whose other clauses are about something else."""
LEAD: Final = 0.05
"""How far the likeliest question must be ahead of the next in rank; between equals the bot asks again."""
HARDLY: Final = 0.1
"""Score below which a question was hardly asked; from it on, the bot asks back whether it was …"""
MISHEARD: Final = 0.5
"""… unless its kinship is this: then its strange words may have been misheard."""
LEFT_TO_PEOPLE: Final = 0.9
"""Likeness to a sentence that is left to people from which there is no question about it."""
NEARLY_SAME: Final = 0.8
"""Likeness that mere grammar ("can you tell me", "and on Sunday") needs to be a question."""
MOST_CLAUSES: Final = 5
"""Clauses looked at by themselves, the last ones: it is done within the event loop."""
LONGEST: Final = 80
"""Words looked at: nobody says more in one utterance."""


class Kind(StrEnum):
    """What an utterance was."""

    OPERATOR = "operator"  # a request for a person; wins over everything
    QUESTION = "question"
    GOODBYE = "goodbye"
    YES = "yes"
    NO = "no"
    OUT_OF_SCOPE = "out_of_scope"
    NOTHING = "nothing"  # no words, or only "um"


@dataclass(frozen=True, slots=True)
class Understood:
    """One utterance, understood."""

    kind: Kind
    name: str | None = None  # of the question
    score: float = 1.0  # 0 … 1: how sure; for out of scope that of the nearest question
    clear: bool = True  # out of scope: whether it is certain, so that asking again would help nobody
    maybe: str | None = None  # out of scope: the question that it may have been all the same

    @property
    def intent(self) -> str:
        """One word for the ledger."""
        return self.name or self.kind.value


@dataclass(frozen=True, slots=True)
class Nearest:
    """A question that may have been asked."""

    evidence: Evidence
    lead: float  # in rank over the next one

    @property
    def score(self) -> float:
        return scale_of(self.evidence).score(self.evidence)

    @property
    def enough(self) -> float:
        """Score from which it counts as asked."""
        return scale_of(self.evidence).accept

    def as_understood(self) -> Understood:
        return Understood(Kind.QUESTION, self.evidence.name, self.score)


class Understanding:
    """One script's understanding; holds no conversation and is not changed by use: all calls share it."""

    def __init__(
        self,
        examples: Sequence[tuple[str, str]],
        wishes: Wishes,
        language: str = languages.DEFAULT,
        follows: Mapping[str, str] | None = None,
        background: Sequence[str] | None = None,
        left: Sequence[str] = (),
        meaning: Meaning | None = None,
    ) -> None:
        """Take `examples` as (question's name, phrase) pairs.

        `follows`: questions that count only right after another one, and after which. `background`: everyday
        sentences instead of the language's own. `left`: what is left to people. `meaning`: the model of the
        language, where there is one.
        """
        self.language = language
        self._wishes = wishes
        self._follows = dict(follows or {})
        self._topics = languages.find(language).topics
        self._examples = Examples(examples, language, background, left, meaning)

    @classmethod
    def train(
        cls, script: BotScript, language: str = languages.DEFAULT, meaning: Meaning | None = None
    ) -> "Understanding":
        """Learn a script's questions; some tenths of a second. `language`: BCP 47, the callers'."""
        examples = [(question.name, phrase) for question in script.questions for phrase in question.phrases]
        follows = {question.name: question.follows for question in script.questions if question.follows}
        wishes = Wishes(script.operator_words, script.goodbye_words, language)
        return cls(examples, wishes, language, follows, left=script.left_to_people, meaning=meaning)

    def classify(self, text: str, after: str | None = None) -> Understood:
        """Say what `text`, as a recogniser wrote it, asks for. `after`: the question answered last."""
        spoken = words(text, self.language)[:LONGEST]
        if not without_fillers(spoken, self.language) and not self._wishes.is_yes(spoken):
            return Understood(Kind.NOTHING)
        parts = [part[:LONGEST] for part in clauses(text, self.language)]
        if self._wishes.is_for_a_person(spoken, parts[:LONGEST]):
            return Understood(Kind.OPERATOR)
        for kind, wish in (
            (Kind.NO, self._wishes.is_no),
            (Kind.YES, self._wishes.is_yes),
            (Kind.GOODBYE, self._wishes.is_goodbye),
        ):
            if wish(spoken):
                return Understood(kind)
        return self._question(spoken, after)

    def nearest(self, text: str, after: str | None = None) -> list[Nearest]:
        """All questions that may be asked now, the likeliest first: why `classify` decides as it does."""
        return self._ranked([words(text, self.language)[:LONGEST]], after)[0]

    def _question(self, spoken: Sequence[str], after: str | None) -> Understood:
        ranked = self._ranked([spoken], after)[0]
        if not ranked:
            return Understood(Kind.OUT_OF_SCOPE, score=0.0)
        nearest, content = ranked[0], self._examples.content(spoken)
        if not content and nearest.evidence.alike < NEARLY_SAME:
            return Understood(Kind.OUT_OF_SCOPE, score=nearest.score, clear=False)
        if max(LEFT_TO_PEOPLE, nearest.evidence.alike) < nearest.evidence.left:
            return Understood(Kind.OUT_OF_SCOPE, score=nearest.score)
        if nearest.score >= nearest.enough and nearest.lead >= LEAD:
            return nearest.as_understood()
        parts = [clause for clause in _clauses(spoken, self._topics) if self._examples.content(clause)]
        each = [found[0] for found in self._ranked(parts, after)]
        best = max(each, key=lambda found: found.score, default=nearest)
        if best.score >= ACCEPT_CLAUSE and best.lead >= LEAD:
            return best.as_understood()
        if nearest.score >= nearest.enough:
            return Understood(Kind.OUT_OF_SCOPE, score=nearest.score, clear=False)
        # A scrap ("I would like to", "pizza") may be a sentence that the recogniser or a pause cut off.
        if HARDLY <= nearest.score < nearest.enough and nearest.lead >= LEAD:
            maybe = nearest.evidence.name
            return Understood(Kind.OUT_OF_SCOPE, score=nearest.score, clear=False, maybe=maybe)
        hardly = nearest.score < HARDLY and nearest.evidence.kinship < MISHEARD
        clear = len(spoken) >= 4 and bool(content) and hardly
        return Understood(Kind.OUT_OF_SCOPE, score=nearest.score, clear=clear)

    def _ranked(self, sentences: Sequence[Sequence[str]], after: str | None) -> list[list[Nearest]]:
        """For each sentence, the questions that may be asked now."""
        names = [name for name in self._examples.names if self._follows.get(name, after) == after]
        return [_with_leads(found) for found in self._examples.weigh(sentences, names)]


def _with_leads(found: Sequence[Evidence]) -> list[Nearest]:
    ranks = [one.rank for one in found] + [0.0]
    return [
        Nearest(one, rank - following) for one, rank, following in zip(found, ranks, ranks[1:], strict=False)
    ]


def _clauses(spoken: Sequence[str], topics: Topics) -> Iterator[list[str]]:
    """Clauses of three words and more, cut at a sentence's joints, or else before each of its questions."""
    parts: list[list[str]] = [[]]
    for word in spoken:
        if word in topics.joints:
            parts.append([])
        else:
            parts[-1].append(word)
    if len(parts) == 1:
        cuts = [at for at in range(2, len(spoken) - 2) if spoken[at] in topics.openers]
        parts = [list(spoken[cut:]) for cut in cuts[-MOST_CLAUSES:]]
    yield from [part for part in parts if len(part) >= 3][-MOST_CLAUSES:]
