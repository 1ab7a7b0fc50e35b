"""What callers say to a lottery line, in and out of its questions' scope: for tuning, and for measuring.

`utterances_<language>.tsv`: twelve spoken wordings of each of the shipped scenario's questions, and what it
has no answer to: "near" (lottery, tickets, accounts, prizes) and "far". They were written from the questions'
topics and committed before any rule or threshold was changed to suit them.

"Told" are longer ones, with the detours that people make on the phone, by the author of the scenario's
phrases: for tuning alone.

"Strangers'" are written by somebody who saw nothing but those topics, as different people talk on the
phone, with detours and stories: nothing may be tuned on them.

Each of the others belongs to one half for good, by its hash: look at the tuning half as much as you like, and
never at what goes wrong in the measuring half.
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
    """question, near, far."""
    said: str

    @property
    def half(self) -> Half:
        return "tuning" if int(sha256(self.said.encode()).hexdigest()[0], 16) % 2 == 0 else "measuring"


def utterances(language: str, half: Half) -> list[Utterance]:
    """One half of a language's set."""
    with (FOLDER / f"utterances_{language}.tsv").open(encoding="utf-8", newline="") as file:
        every = [Utterance(**row) for row in csv.DictReader(file, delimiter="\t")]
    return [utterance for utterance in every if utterance.half == half]


def told(language: str) -> list[Utterance]:
    """What is told at length, for tuning."""
    return _of_both("utterances_told.tsv", language)


def strangers(language: str) -> list[Utterance]:
    """What strangers would say in a language."""
    return _of_both("utterances_strangers.tsv", language)


def _of_both(name: str, language: str) -> list[Utterance]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["language"] == language]
    return [Utterance(row["question"], row["kind"], row["said"]) for row in rows]
