"""What the bot can say and answer: the `bot` part of a scenario file, as validated models.

Pure: knows neither YAML nor files nor sound. `ivr` embeds `BotScript` in its scenario; a prompt is its text
here, and whoever turns text into sound may prefer a recorded file for it.
"""

from collections.abc import Iterator
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Spoken = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
"""A text that is spoken to the caller."""

Wording = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
"""Words that a caller may use."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
"""A name inside the scenario: lower case, digits, underscores."""


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Question(_Part):
    """A question that the bot answers by itself."""

    name: Name
    topic: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
    """The ticket's topic when this was the question."""
    phrases: Annotated[tuple[Wording, ...], Field(strict=False, min_length=3, max_length=200)]
    """Examples of how callers ask it."""
    answer: Spoken
    follows: Name | None = None
    """Only asked right after this question's answer: "and on Sunday?"."""


class BotScript(_Part):
    """The bot's whole knowledge. A missing prompt takes the English default."""

    greeting: Spoken = "How can I help you? You can ask for a person at any time."
    questions: Annotated[tuple[Question, ...], Field(strict=False, min_length=1, max_length=200)]
    anything_else: Spoken = "Is there anything else that I can help you with?"
    not_understood: Spoken = "Sorry, I did not understand that. Could you say it in other words?"
    say_again: Spoken = "Sorry, I did not hear anything. What can I do for you?"
    handing_over: Spoken = "I will connect you with one of my colleagues."
    goodbye: Spoken = "Thank you for calling. Good-bye."
    one_moment: Spoken = "One moment, please."
    go_on: Spoken = "Please go ahead."
    operator_words: Annotated[tuple[Wording, ...], Field(strict=False, max_length=100)] = ()
    """More ways to ask for a person, beside those that the bot knows ("operator", "a human", …)."""
    goodbye_words: Annotated[tuple[Wording, ...], Field(strict=False, max_length=100)] = ()
    """More ways to say that nothing else is wanted, beside "no thanks", "bye", …"""

    @model_validator(mode="after")
    def _names_are_unique(self) -> "BotScript":
        seen: set[str] = set()
        for question in self.questions:
            if question.name in seen:
                raise ValueError(f"two questions are named {question.name!r}: give each its own name")
            seen.add(question.name)
        return self

    def texts(self) -> Iterator[str]:
        """Every text that the bot may speak: what has to be rendered ahead."""
        yield from (self.greeting, self.anything_else, self.not_understood, self.say_again)
        yield from (self.handing_over, self.goodbye, self.one_moment, self.go_on)
        for question in self.questions:
            yield question.answer

    def wordings(self) -> Iterator[str]:
        """Everything that the script expects callers to say: the grammar of a recogniser that takes one."""
        for question in self.questions:
            yield from question.phrases
        yield from (*self.operator_words, *self.goodbye_words)
