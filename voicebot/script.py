"""What the bot can say, answer, ask and look up: the `bot` part of a scenario file, as validated models.

Pure: knows neither YAML nor files nor sound. `ivr` embeds `BotScript` in its scenario; a prompt is its text
here, and whoever turns text into sound may prefer a recorded file for it.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Self

from pydantic import Field, model_validator

from voicebot.lookup import Expected, Lookup
from voicebot.parts import Name, ScriptPart, Spoken, Title, Wording
from voicebot.slots import Slot
from voicebot.texts import CUSTOMER, fields_of, fixed_parts

Slots = Annotated[tuple[Slot, ...], Field(strict=False, max_length=8)]


class Question(ScriptPart):
    """A question that the bot answers by itself."""

    name: Name
    topic: Title
    """The ticket's topic when this was the question."""
    phrases: Annotated[tuple[Wording, ...], Field(strict=False, min_length=3, max_length=200)]
    """Examples of how callers ask it."""
    confirm: Spoken | None = None
    """Asked back when it is not sure that this was the question: "Do you want to know …?"."""
    answer: Spoken | None = None
    lookup: Name | None = None
    """Which look-up answers instead."""
    slots: Slots = ()
    """What has to be known first, in this order."""
    private: bool = False
    """Only for who has proved who they are (`identity:`); what is answered stays out of the ledger."""
    follows: Name | None = None
    """Only asked right after this question's answer: "and on Sunday?"."""

    @model_validator(mode="after")
    def _is_answered(self) -> Self:
        if (self.answer is None) == (self.lookup is None):
            raise ValueError("give the question either an `answer:` or a `lookup:`")
        return self


class Identity(ScriptPart):
    """How callers prove who they are, once in a conversation, before a private question is answered."""

    intro: Spoken = "First I have to make sure that it is you."
    slots: Annotated[tuple[Slot, ...], Field(strict=False, min_length=1, max_length=8)]
    lookup: Name
    when: Annotated[dict[Name, Expected], Field(min_length=1)]
    """The look-up's fields when the caller is who they say. Anything else, or not found, is a no."""
    passed: Spoken = "Thank you."
    not_passed: Spoken = "I am sorry, that does not match what we have. Let us try once more."


class ThumbsQuestion(ScriptPart):
    """Whether the answer helped, asked once, when the caller wants nothing more: one is yes, two is no."""

    ask: Spoken
    offer: Spoken = "I am sorry. To speak with one of my colleagues, press one. To end the call, press two."
    """After a no."""


class BotScript(ScriptPart):
    """The bot's whole knowledge. A missing prompt takes the English default."""

    greeting: Spoken = "How can I help you? You can ask for a person at any time."
    questions: Annotated[tuple[Question, ...], Field(strict=False, min_length=1, max_length=200)]
    left_to_people: Annotated[tuple[Wording, ...], Field(strict=False, max_length=300)] = ()
    """What callers ask, too, and the bot has no answer to: examples. It gives them to a person at once."""
    anything_else: Spoken = "Is there anything else that I can help you with?"
    not_understood: Spoken = "Sorry, I did not understand that. Could you say it in other words?"
    say_again: Spoken = "Sorry, I did not hear anything. What can I do for you?"
    handing_over: Spoken = "I will connect you with one of my colleagues."
    goodbye: Spoken = "Thank you for calling. Good-bye."
    one_moment: Spoken = "One moment, please."
    go_on: Spoken = "Please go ahead."
    and_then: Spoken = "Yes, and then?"
    """After a part of a number."""
    lookups: dict[Name, Lookup] = Field(default_factory=dict)
    identity: Identity | None = None
    thumbs: ThumbsQuestion | None = None
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

    def prompts(self) -> dict[str, str]:
        """Every text by the name that `bot_files` may use: prompts, and answers by their question."""
        named = {name: getattr(self, name) for name in type(self).model_fields}
        texts = {name: text for name, text in named.items() if isinstance(text, str)}
        return texts | {one.name: one.answer for one in self.questions if one.answer is not None}

    def texts(self) -> Iterator[str]:
        """Every text that the bot may speak, with its fields as they are written."""
        yield from self.prompts().values()
        yield from (one.confirm for one in self.questions if one.confirm is not None)
        slots = [slot for question in self.questions for slot in question.slots]
        if self.identity is not None:
            yield from (self.identity.intro, self.identity.passed, self.identity.not_passed)
            slots += self.identity.slots
        if self.thumbs is not None:
            yield from (self.thumbs.ask, self.thumbs.offer)
        for slot in slots:
            yield from (text for text in (slot.ask, slot.again, slot.confirm) if text is not None)
        for lookup in self.lookups.values():
            yield from lookup.texts()

    def fixed_texts(self) -> list[str]:
        """What has to be rendered ahead: whatever is the same for every caller, once each."""
        digits = self.digit_fields
        return list(dict.fromkeys(part for text in self.texts() for part in fixed_parts(text, digits)))

    @property
    def speaks_fields(self) -> bool:
        """Whether some words are spoken for one call alone."""
        return any(fields_of(text) - self.digit_fields for text in self.texts())

    @property
    def names_customers(self) -> bool:
        """Whether some text has the caller's name."""
        return any(CUSTOMER in fields_of(text) for text in self.texts())

    @cached_property
    def digit_fields(self) -> frozenset[str]:
        """The fields that are said digit by digit, wherever they stand."""
        slots = [slot for question in self.questions for slot in question.slots]
        slots += self.identity.slots if self.identity is not None else ()
        fields = [field for lookup in self.lookups.values() for field in lookup.fields.items()]
        kinds = [(slot.name, slot.kind) for slot in slots] + [(name, place.kind) for name, place in fields]
        others = {name for name, kind in kinds if kind != "digits"}
        return frozenset(name for name, kind in kinds if kind == "digits") - others

    def wordings(self) -> Iterator[str]:
        """Everything that the script expects callers to say: the grammar of a recogniser that takes one."""
        for question in self.questions:
            yield from question.phrases
        yield from self.left_to_people
        yield from (*self.operator_words, *self.goodbye_words)
