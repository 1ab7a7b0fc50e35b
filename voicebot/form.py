"""What a question asks for and says: its slots, and the script's words with the values put in.

Pure, as the whole dialogue. Knows where a caller stands only as `Asking`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from voicebot import slots
from voicebot.moves import About, Asking, Note, Say, State
from voicebot.script import BotScript, Identity, Question
from voicebot.slots import Slot
from voicebot.texts import CUSTOMER, MissingField, compose


@dataclass(frozen=True)
class Form:
    """One script's, in one language; holds no conversation."""

    script: BotScript
    language: str  # BCP 47

    @property
    def identity(self) -> Identity:
        """How callers prove who they are."""
        if self.script.identity is None:
            raise LookupError("a private question without `identity:`: presszero check would have said so")
        return self.script.identity

    def question(self, asking: Asking) -> Question:
        """What they have asked."""
        return next(one for one in self.script.questions if one.name == asking.question)

    def every_slot(self, asking: Asking) -> dict[str, Slot]:
        """All that may have a value in this question, by name."""
        found = {slot.name: slot for question in self.script.questions for slot in question.slots}
        if self.script.identity is not None:
            found |= {slot.name: slot for slot in self.script.identity.slots}
        return found | {slot.name: slot for slot in self.question(asking).slots}

    def slot(self, asking: Asking) -> Slot | None:
        """The one that is asked for now; None: everything is known."""
        wanted = self.identity.slots if asking.identity else self.question(asking).slots
        return next((slot for slot in wanted if slot.name not in asking.values), None)

    def say(
        self, state: State, asking: Asking, prompt: str, text: str, fields: Mapping[str, str] | None = None
    ) -> Say:
        """Fill in what is known. Raises MissingField."""
        known = dict(asking.values)
        spoken: dict[str, str] = {} if state.customer is None else {CUSTOMER: state.customer}
        told: dict[str, str] = {}
        here = self.every_slot(asking)
        if (current := self.slot(asking)) is not None and asking.offered is not None:
            known[current.name] = asking.offered
            here = {**here, current.name: current}
        for name, value in known.items():
            slot = here.get(name)
            spoken[name] = value if slot is None else slots.say(slot.kind, value, self.language)
            if slot is None or slot.private:
                told[name] = slots.masked(value)
        spoken |= fields or {}
        if self.question(asking).private:
            told |= {name: slots.masked(value) for name, value in (fields or {}).items()}
        composed = compose(text, spoken, told, self.script.digit_fields)
        return Say(prompt, composed.told, composed.parts)

    def plain(self, state: State, asking: Asking, prompt: str, text: str) -> tuple[Say, ...]:
        """As `_say`, for words that are only kind: what cannot be filled in is left unsaid."""
        try:
            return (self.say(state, asking, prompt, text),)
        except MissingField:
            return ()

    def note(self, slot: Slot, value: str, *, sure: bool = True) -> Note:
        """For whoever takes over: this slot has this value; one that is private is not shown."""
        shown = slots.masked(value) if slot.private else value
        return Note(About.SLOT, slot.name, slot.title, shown, sure)
