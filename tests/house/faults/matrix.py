"""The matrix: what each caller got under each fault, and whether that is enough. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

REACH_S = 5.0  # the promise: with an operator or in the operators' queue within this time of the fault
TAPE_SLACK_S = 3.0  # what a recording may lack at its end: the PBX writes in pieces of 2 s


class Got(StrEnum):
    """Where a caller ended up."""

    QUEUE = "queue"  # came into the operators' queue
    OPERATOR = "operator"  # came to an operator
    STAYED = "stayed"  # was with people already (waiting, ringing, talking) and still is
    NEXT_CALL = "next call"  # this call was broken; the next one came into the queue
    LEFT = "left"  # had hung up before
    ELSEWHERE = "elsewhere"  # in the menu, with the bot, at voicemail
    LOST = "lost"  # hung up on, or thrown out of the queue


@dataclass(frozen=True, slots=True)
class Tape:
    """What became of a recording."""

    seconds: float | None  # None: there is none
    wanted_s: float  # length of the call up to the fault
    reason: str | None  # why there is none, as the ticket says

    @property
    def fine(self) -> bool:
        if self.seconds is None:
            return self.reason is not None
        return self.seconds >= self.wanted_s - TAPE_SLACK_S

    def words(self) -> str:
        if self.seconds is not None:
            return f"{self.seconds:.0f} s" if self.fine else f"{self.seconds:.0f} of {self.wanted_s:.0f} s"
        return "none, said why" if self.reason else "none"


@dataclass(frozen=True, slots=True)
class Cell:
    """One fault at one moment."""

    fault: str
    moment: str
    got: Got
    after_s: float | None  # from the fault until they were there; None: never, or they were there already
    where: str  # the caller's place at the end, in words
    tickets: int
    ended: bool  # the ledger knows that the call has ended
    tape: Tape

    def shortcomings(self) -> list[str]:
        """What this cell falls short of, in words; empty: it holds."""
        short = []
        if self.got in (Got.LOST, Got.ELSEWHERE):
            short.append(f"{self.got}: {self.where}")
        elif self.after_s is not None and self.after_s > REACH_S:
            short.append(f"took {self.after_s:.1f} s")
        if self.tickets != 1:
            short.append(f"{self.tickets} tickets")
        elif not self.ended:
            short.append("never ended in the ledger")
        if not self.tape.fine:
            short.append(f"recording: {self.tape.words()}")
        return short

    @property
    def holds(self) -> bool:
        return not self.shortcomings()

    def words(self) -> str:
        """The cell in a few characters."""
        if self.got is Got.STAYED:
            return "stays"
        if self.got is Got.LEFT:
            return "left"
        return self.got.value if self.after_s is None else f"{self.after_s:.1f} s"


@dataclass(frozen=True, slots=True)
class Matrix:
    """All cells of a run of the harness."""

    cells: tuple[Cell, ...]
    remarks: Mapping[str, str]  # fault → how it was done here
    troubles: Mapping[str, str]  # fault → why it could not be tried to its end
    ghosts: Mapping[str, tuple[str, ...]]  # fault → calls in the ledger that nobody made

    @property
    def faults(self) -> list[str]:
        return list(dict.fromkeys([*(cell.fault for cell in self.cells), *self.troubles]))

    @property
    def holds(self) -> bool:
        return (
            all(cell.holds for cell in self.cells)
            and not self.troubles
            and not any(self.ghosts.values())
            and bool(self.cells)
        )

    def row(self, fault: str) -> dict[str, Cell]:
        """The cells of a fault by moment."""
        return {cell.moment: cell for cell in self.cells if cell.fault == fault}

    def short(self) -> list[Cell]:
        return [cell for cell in self.cells if not cell.holds]

    def slowest_s(self) -> float:
        return max((cell.after_s for cell in self.cells if cell.after_s is not None), default=0.0)

    def to_json(self) -> str:
        """Every cell with its figures."""
        cells = [
            {**asdict(cell), "holds": cell.holds, "shortcomings": cell.shortcomings()} for cell in self.cells
        ]
        return json.dumps(
            {
                "holds": self.holds,
                "reach_s": REACH_S,
                "cells": cells,
                "remarks": dict(self.remarks),
                "troubles": dict(self.troubles),
                "ghosts": {fault: list(calls) for fault, calls in self.ghosts.items() if calls},
            },
            indent=1,
        )


def joined(parts: Sequence[Matrix]) -> Matrix:
    """Several matrices as one."""
    return Matrix(
        tuple(cell for part in parts for cell in part.cells),
        {fault: text for part in parts for fault, text in part.remarks.items()},
        {fault: text for part in parts for fault, text in part.troubles.items()},
        {fault: calls for part in parts for fault, calls in part.ghosts.items()},
    )
