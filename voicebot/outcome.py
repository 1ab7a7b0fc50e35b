"""How a conversation with the bot ended: what the reception upstairs acts on. Pure values."""

from dataclasses import dataclass
from enum import StrEnum

from tickets.vocabulary import HandOver


class Ending(StrEnum):
    """Where the caller goes next."""

    ANSWERED = "answered"  # the bot answered and said good-bye, or the caller hung up after an answer
    TO_OPERATOR = "to_operator"
    GONE = "gone"  # hung up before anything was answered


@dataclass(frozen=True, slots=True)
class Outcome:
    """One conversation's end. `reason` is there exactly when an operator is to take over."""

    ending: Ending
    reason: HandOver | None = None
    topic: str | None = None  # of the last question that the bot answered
    heard: str | None = None  # the caller's last words: the operator wants to know them
    hung_up: bool = False  # the audio ended from the other side, before the bot said good-bye

    @classmethod
    def to_operator(cls, reason: HandOver, topic: str | None = None, heard: str | None = None) -> "Outcome":
        """Hand over, and why."""
        return cls(Ending.TO_OPERATOR, reason, topic, heard)
