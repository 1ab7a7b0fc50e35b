"""What callers say to a lottery line, in and out of its questions' scope: for tuning, and for measuring.

`utterances_<language>.tsv`: twelve spoken wordings of each of the shipped scenario's questions, and what it
has no answer to: "near" (lottery, tickets, accounts, prizes) and "far". They were written from the questions'
topics and committed before any rule or threshold was changed to suit them. "clinc" are utterances that crowd
workers wrote as out of scope of an assistant: 80 of `oos_test` in CLINC150, those with the lowest SHA-256
behind "CLINC150 " (Larson et al., EMNLP 2019; https://github.com/clinc/oos-eval; CC BY 3.0).

Each belongs to one half for good, by its hash: look at the tuning half as much as you like, and never at what
goes wrong in the measuring half.
"""

import csv
from hashlib import sha256
from pathlib import Path
from typing import Literal, NamedTuple

FOLDER = Path(__file__).parent
Half = Literal["tuning", "measuring"]


class Utterance(NamedTuple):
    question: str
    """The question's name; "other" if it is out of scope."""
    kind: str
    """question, near, far, clinc."""
    said: str

    @property
    def half(self) -> Half:
        return "tuning" if int(sha256(self.said.encode()).hexdigest()[0], 16) % 2 == 0 else "measuring"


def utterances(language: str, half: Half) -> list[Utterance]:
    """One half of a language's set."""
    with (FOLDER / f"utterances_{language}.tsv").open(encoding="utf-8", newline="") as file:
        every = [Utterance(**row) for row in csv.DictReader(file, delimiter="\t")]
    return [utterance for utterance in every if utterance.half == half]
