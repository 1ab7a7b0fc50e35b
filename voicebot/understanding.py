"""What the caller wants: words in, one of the script's questions out – or an honest "out of scope".

Pure: knows no sound and no dialogue. A question is recognised by likeness to its example phrases (TF-IDF of
words and of letter groups, which forgive a recogniser's mistakes) and by how much of what was said belongs to
it at all: a word that neither the script nor common English knows ("parcel") is what it is really about.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from math import log
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

from voicebot import languages
from voicebot.script import BotScript
from voicebot.wishes import Wishes, without_fillers, words

# Tuned on a development set beside the shipped scenario; tests/unit/voicebot measures on phrases held apart.
ACCEPT: Final = 0.4
"""Score from which a question counts as asked."""
ACCEPT_CLAUSE: Final = 0.55
"""The same for one clause of a long sentence whose other clauses are about something else."""
LEAD: Final = 0.03
"""How far the likeliest question must be ahead of the next; between equals the bot asks again."""
CLEARLY_NOT: Final = 0.35
"""Likeness below which it is certainly none of the questions, even if its strange words were misheard."""
LIKENESS: Final = 0.6
"""Weight of likeness to examples; the rest is the share of the words that belong to the question."""
STRANGE: Final = 0.7
"""How much of the score unknown words take away when there are no others."""
LONGEST: Final = 80
"""Words looked at: nobody says more in one utterance."""

_FEATURES: Final = 2**16


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

    @property
    def intent(self) -> str:
        """One word for the ledger."""
        return self.name or self.kind.value


class _Nearest(NamedTuple):
    name: str
    score: float
    lead: float  # over the next question
    framed: float  # score if strange words did not count: "when is the next dries"

    def as_understood(self) -> Understood:
        if self.lead < LEAD:
            return Understood(Kind.OUT_OF_SCOPE, score=self.score, clear=False)
        return Understood(Kind.QUESTION, self.name, self.score)


class Understanding:
    """One script's understanding; holds no conversation and is not changed by use: all calls share it."""

    def __init__(
        self,
        examples: Sequence[tuple[str, str]],
        wishes: Wishes,
        language: str = "en",
        follows: Mapping[str, str] | None = None,
    ) -> None:
        """Take `examples` as (question's name, phrase) pairs.

        `follows`: questions that count only right after another one, and after which.
        """
        self.language = language
        self._topics = languages.find(language).topics
        self._neutral = self._topics.neutral | {self._topics.stem(word) for word in self._topics.neutral}
        self._wishes = wishes
        self._follows = dict(follows or {})
        background = self._topics.background
        self._names = np.array([name for name, _ in examples] + [""] * len(background))
        self._questions = sorted({name for name, _ in examples})
        spoken = [self._stems(words(phrase, language)) for _, phrase in examples]
        sentences = [" ".join(stems) for stems in spoken]
        self._likeness = _Likeness(
            [*sentences, *(" ".join(self._stems(words(text, language))) for text in background)]
        )
        self._vocabulary: dict[str, set[str]] = defaultdict(set)
        for (name, _), stems in zip(examples, spoken, strict=True):
            self._vocabulary[name].update(stems)
        self._known = frozenset(stem for stems in spoken for stem in stems)
        count = len(self._questions)
        # A word of one question tells more than a word of all; an unknown word tells most.
        self._weight = {
            stem: 1 + log(count / sum(stem in known for known in self._vocabulary.values()))
            for stem in self._known
        }
        self._strange_weight = 1 + log(count)

    @classmethod
    def train(cls, script: BotScript, language: str = "en") -> "Understanding":
        """Learn a script's questions; some hundredths of a second. `language`: BCP 47, the callers'."""
        examples = [(question.name, phrase) for question in script.questions for phrase in question.phrases]
        follows = {question.name: question.follows for question in script.questions if question.follows}
        return cls(examples, Wishes(script.operator_words, script.goodbye_words, language), language, follows)

    def classify(self, text: str, after: str | None = None) -> Understood:
        """Say what `text`, as a recogniser wrote it, asks for. `after`: the question answered last."""
        spoken = words(text, self.language)[:LONGEST]
        if not without_fillers(spoken, self.language) and not self._wishes.is_yes(spoken):
            return Understood(Kind.NOTHING)
        if self._wishes.is_for_a_person(spoken):
            return Understood(Kind.OPERATOR)
        for kind, wish in (
            (Kind.NO, self._wishes.is_no),
            (Kind.YES, self._wishes.is_yes),
            (Kind.GOODBYE, self._wishes.is_goodbye),
        ):
            if wish(spoken):
                return Understood(kind)
        return self._question(spoken, after)

    def _question(self, spoken: Sequence[str], after: str | None) -> Understood:
        nearest = self._nearest(spoken, after)
        if nearest.score >= ACCEPT:
            return nearest.as_understood()
        clauses = list(_clauses(spoken, self._topics.joints))
        if len(clauses) > 1:
            best = max((self._nearest(clause, after) for clause in clauses), key=lambda found: found.score)
            if best.score >= ACCEPT_CLAUSE:
                return best.as_understood()
        # A scrap ("I would like to", "pizza") may be a sentence that the recogniser or a pause cut off.
        whole = len(spoken) >= 4 and bool(self._content(self._stems(spoken)))
        clear = whole and nearest.framed < CLEARLY_NOT
        return Understood(Kind.OUT_OF_SCOPE, score=nearest.score, clear=clear)

    def _nearest(self, spoken: Sequence[str], after: str | None) -> "_Nearest":
        """The likeliest question; score 0 where everyday sentences are nearer."""
        stems = self._stems(spoken)
        likeness = self._likeness.to(" ".join(stems))
        everyday = _top(likeness[self._names == ""])
        known = [self._in_script(stem) for stem in self._content(stems)]
        total = sum(self._weight[stem] if stem else self._strange_weight for stem in known)
        strange = known.count(None) * self._strange_weight / total if total else 0.0
        found = []
        for name in self._questions:
            if self._follows.get(name, after) != after:
                continue
            alike, belongs = _top(likeness[self._names == name]), 0.0
            if total:  # else mere grammar ("can you tell me"): only nearly the same words count
                own = self._vocabulary[name]
                belongs = (
                    sum(self._weight[stem] for stem in known if stem is not None and stem in own) / total
                )
            found.append((LIKENESS * alike + (1 - LIKENESS) * belongs, name))
        if not found:
            return _Nearest("", 0.0, 0.0, 0.0)
        found.sort(reverse=True)
        framed, name = found[0]
        score = framed * (1 - STRANGE * strange)
        if score <= everyday:
            return _Nearest(name, 0.0, 0.0, framed)
        lead = score - found[1][0] * (1 - STRANGE * strange) if len(found) > 1 else score
        return _Nearest(name, score, lead, framed)

    def _stems(self, spoken: Sequence[str]) -> list[str]:
        return [self._topics.stem(word) for word in without_fillers(spoken, self.language)]

    def _content(self, stems: Sequence[str]) -> list[str]:
        """The words that say what it is about."""
        return [stem for stem in stems if stem not in self._neutral]

    def _in_script(self, stem: str) -> str | None:
        """The script's word that this is, or is a misheard form of."""
        if stem in self._known:
            return stem
        if len(stem) < 4:
            return None
        return next(
            iter(get_close_matches(stem, (word for word in self._known if len(word) >= 4), 1, 0.78)), None
        )


class _Likeness:
    """Cosine likeness to a fixed list of sentences.

    Hashed features instead of a vocabulary, so that a word never seen before still weighs (and most of all,
    by the smoothed inverse document frequency) instead of vanishing from the question.
    """

    def __init__(self, sentences: Sequence[str]) -> None:
        common = {"norm": None, "alternate_sign": False, "n_features": _FEATURES, "lowercase": False}
        self._parts = [
            (
                HashingVectorizer(
                    analyzer="word", tokenizer=str.split, token_pattern=None, ngram_range=(1, 2), **common
                ),
                TfidfTransformer(sublinear_tf=True),
            ),
            (
                HashingVectorizer(analyzer="char_wb", ngram_range=(3, 5), **common),
                TfidfTransformer(sublinear_tf=True),
            ),
        ]
        self._known = [weigh.fit_transform(count.transform(sentences)) for count, weigh in self._parts]

    def to(self, sentence: str) -> NDArray[np.float64]:
        """Likeness to each sentence, 0 … 1."""
        alike = [
            (known @ weigh.transform(count.transform([sentence])).T).toarray()[:, 0]
            for (count, weigh), known in zip(self._parts, self._known, strict=True)
        ]
        return np.asarray(sum(alike) / len(alike), dtype=np.float64)


def _top(likeness: NDArray[np.float64]) -> float:
    """Mostly the nearest example, a little the second: one odd example should not decide alone."""
    two = np.sort(likeness)[::-1][:2]
    return float(0.7 * two[0] + 0.3 * two.mean())


def _clauses(spoken: Sequence[str], joints: Set[str]) -> Iterable[list[str]]:
    """Cut a sentence at its joints into clauses of three words and more."""
    clause: list[str] = []
    for word in [*spoken, ""]:
        if word and word not in joints:
            clause.append(word)
        elif len(clause) >= 3:
            yield clause
            clause = []
