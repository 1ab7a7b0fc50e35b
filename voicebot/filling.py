"""Asking for what a question needs: slots with confirmation and repair, the identity check, the look-up.

Pure, as the whole dialogue. A slot gives a caller two fruitless turns, then a person takes over; a value that
is taken back by another is no fruitless turn, but may be taken back `MOST_CORRECTIONS` times at most. So no
sequence of inputs keeps a caller here for ever.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from tickets.vocabulary import HandOver
from voicebot import lookup as lookups
from voicebot import slots
from voicebot.consent import NO_KEYS, YES_KEYS, says_yes
from voicebot.form import Form
from voicebot.lookup import Lookup, Trouble
from voicebot.moves import (
    About,
    Asking,
    Heard,
    Input,
    Key,
    KeysPaused,
    LookedUp,
    LookUp,
    Note,
    Say,
    Silence,
    State,
    Step,
    StillLooking,
)
from voicebot.script import BotScript, Question
from voicebot.slots import Begun, Slot, Whole
from voicebot.texts import MissingField
from voicebot.turn_end import OPEN, YES_NO, Expect, expect_digits
from voicebot.understanding import Kind
from voicebot.ways_out import hand_over

FAILURES: Final = 2
"""Fruitless turns for one slot, or failed identity checks, after which a person takes over."""
MOST_CORRECTIONS: Final = 3
MOST_PAUSES: Final = 4
"""Pauses in a row after which a number that was keyed in half is given up."""


@dataclass(frozen=True)
class Filling:
    """One script's questions with slots and look-ups; holds no conversation."""

    script: BotScript
    language: str  # BCP 47

    @cached_property
    def _form(self) -> Form:
        return Form(self.script, self.language)

    # --- the way in ---

    def begin(self, state: State, question: Question, text: str) -> Step:
        """A question was asked, in these words: answer it, or ask for what is missing first."""
        wanted = Note(About.WANTED, question.name, question.topic)
        given = dict(state.known)
        if question.follows is not None:
            given |= state.last  # "and when can I collect it?" is about the same ticket
        asking = Asking(question.name, identity=self._has_to_prove(state, question), values=given)
        state = replace(state, asking=asking, misses=0, silences=0)
        if asking.identity:
            intro = Say("identity", self._form.identity.intro)
            return self._next(state, asking).after(wanted, intro)
        slot = self._form.slot(asking)
        if slot is not None and isinstance(said := slots.read(slot, text, self.language, state.today), Whole):
            return self._offer(state, asking, slot, said.value).after(wanted)
        return self._next(state, asking).after(wanted)

    # --- turns ---

    def step(self, state: State, asking: Asking, happened: Input) -> Step | None:
        """What follows; None: it is for somebody else (another question, good-bye, a late answer)."""
        match happened:
            case LookedUp(serial, answer):
                return self._looked_up(state, asking, answer) if self._awaits(state, asking, serial) else None
            case StillLooking(serial):
                patience = Say("one_moment", self.script.one_moment)
                return Step(state, (patience,) if self._awaits(state, asking, serial) else ())
            case Heard(understood) if asking.looking and understood.kind is Kind.OUT_OF_SCOPE:
                # Perhaps the wish for a person: who is not understood behind the answer either gets one.
                return Step(replace(state, asking=replace(asking, unclear=True)))
            case _ if asking.looking:
                return Step(state)  # the answer comes in time, and what is said meanwhile changes nothing
        slot = self._form.slot(asking)
        if slot is None:
            return None
        match happened:
            case Heard():
                return self._heard(state, asking, slot, happened)
            case Key(digit):
                return self._key(state, asking, slot, digit)
            case KeysPaused():
                return self._keys_paused(state, asking, slot)
            case Silence() if asking.typed:
                return Step(state)  # they are busy with their keys: `KeysPaused` tells when no longer
            case Silence():
                return self._failed(state, asking, slot, HandOver.SILENCE)
        return None

    def takes_zero(self, asking: Asking) -> bool:
        """Whether a zero now is a digit: within a number that other keys have begun, and not to its end."""
        slot = self._form.slot(asking)
        return slot is not None and slot.by_keys and asking.offered is None and bool(asking.typed)

    def is_private(self, asking: Asking) -> bool:
        """Whether what the caller says now stays out of the ledger."""
        slot, question = self._form.slot(asking), self._form.question(asking)
        if asking.looking:  # what is said meanwhile is mostly what was said before, once more
            return asking.identity or question.private or any(one.private for one in question.slots)
        return slot is not None and slot.private

    def expects(self, asking: Asking) -> Expect:
        """What kind of answer is waited for."""
        slot = self._form.slot(asking)
        if slot is None:
            return OPEN
        if asking.offered is not None or slot.kind == "yes_no":
            return YES_NO
        if slot.kind == "digits" and slot.shortest == slot.longest:
            return expect_digits(slot.longest - len(asking.begun))
        # Who reads a long number out, or a date, draws breath.
        return OPEN if slot.kind == "number" else expect_digits()

    def loose_ends(self, asking: Asking) -> tuple[Note, ...]:
        """What was said or typed and not confirmed, for whoever takes over."""
        slot, value = self._form.slot(asking), asking.offered or asking.typed or asking.begun
        return () if slot is None or not value else (self._form.note(slot, value, sure=False),)

    def _heard(self, state: State, asking: Asking, slot: Slot, heard: Heard) -> Step | None:
        understood = heard.understood
        said = slots.read(slot, heard.text, self.language, state.today, asking.begun)
        if understood.kind is Kind.NOTHING and not asking.typed:
            return self._failed(state, asking, slot, HandOver.SILENCE)
        if asking.offered is not None:
            return self._confirmed(state, asking, slot, heard)
        if isinstance(said, Whole):
            return self._offer(state, asking, slot, said.value)
        if asking.typed and understood.kind is not Kind.QUESTION:
            return Step(state)  # they read the number to themselves, or the television speaks
        if slot.kind == "yes_no" and (yes := says_yes(heard, self.language)) is not None:
            return self._accept(state, asking, slot, "yes" if yes else "no")
        if self._means_something_else(asking, heard):
            return None
        if isinstance(said, Begun):
            state = replace(state, asking=replace(asking, begun=said.digits), silences=0)
            return Step(state, (Say("and_then", self.script.and_then),))
        return self._failed(state, asking, slot, HandOver.NOT_UNDERSTOOD)

    def _confirmed(self, state: State, asking: Asking, slot: Slot, heard: Heard) -> Step | None:
        """An answer to "I heard 1 2 5, is that right?"."""
        said = slots.read(slot, heard.text, self.language, state.today)
        offered = asking.offered or ""
        if said == Whole(offered):
            return self._accept(state, asking, slot, offered)  # said again: that is a yes
        if said is not None:  # "no, 1 2 5" – or only "1 2 5"
            return self._corrected(state, asking, slot, said)
        yes = says_yes(heard, self.language)
        if yes:
            return self._accept(state, asking, slot, offered)
        if yes is False:
            return self._failed(state, replace(asking, offered=None, begun=""), slot, HandOver.NOT_UNDERSTOOD)
        if self._means_something_else(asking, heard):
            return None
        return self._failed(state, asking, slot, HandOver.NOT_UNDERSTOOD)

    def _corrected(self, state: State, asking: Asking, slot: Slot, said: Whole | Begun) -> Step:
        if asking.corrections + 1 >= MOST_CORRECTIONS:
            return self._give_up(state, asking, HandOver.NOT_UNDERSTOOD)
        asking = replace(asking, offered=None, begun="", corrections=asking.corrections + 1)
        if isinstance(said, Whole):
            return self._offer(state, asking, slot, said.value)
        state = replace(state, asking=replace(asking, begun=said.digits))
        return Step(state, (Say("and_then", self.script.and_then),))

    def _key(self, state: State, asking: Asking, slot: Slot, digit: str) -> Step:
        not_understood = HandOver.NOT_UNDERSTOOD
        if asking.offered is not None or slot.kind == "yes_no":
            if digit in YES_KEYS:
                return self._accept(state, asking, slot, asking.offered or "yes")
            if digit in NO_KEYS and slot.kind == "yes_no" and asking.offered is None:
                return self._accept(state, asking, slot, "no")
            taken_back = replace(asking, offered=None) if digit in NO_KEYS else asking
            return self._failed(state, taken_back, slot, not_understood)
        if digit == "#" and asking.typed:
            return self._typed(state, asking, slot)
        if not digit.isdigit():
            return self._failed(state, replace(asking, typed="", begun=""), slot, not_understood)
        asking = replace(asking, typed=asking.typed + digit, pauses=0)
        if len(asking.typed) >= slot.longest:
            return self._typed(state, asking, slot)
        return Step(replace(state, asking=asking, silences=0))

    def _keys_paused(self, state: State, asking: Asking, slot: Slot) -> Step:
        if slots.from_keys(slot, asking.typed) is not None:
            return self._typed(state, asking, slot)
        if asking.typed.endswith("0"):
            # It was no digit: whoever presses zero and waits wants a person.
            return hand_over(self.script, state, HandOver.PRESSED_ZERO, *self.loose_ends(asking))
        if asking.pauses + 1 < MOST_PAUSES:
            return Step(replace(state, asking=replace(asking, pauses=asking.pauses + 1)))
        return self._failed(state, asking, slot, HandOver.NOT_UNDERSTOOD)

    def _typed(self, state: State, asking: Asking, slot: Slot) -> Step:
        value = slots.from_keys(slot, asking.typed)
        asking = replace(asking, typed="", begun="")
        if value is None:
            return self._failed(state, asking, slot, HandOver.NOT_UNDERSTOOD)
        return self._offer(state, asking, slot, value)

    def _means_something_else(self, asking: Asking, heard: Heard) -> bool:
        understood = heard.understood
        if understood.kind is Kind.QUESTION:
            return understood.name != asking.question and not heard.doubtful
        return understood.kind is Kind.GOODBYE and heard.clear

    def _failed(self, state: State, asking: Asking, slot: Slot, reason: HandOver) -> Step:
        """Nothing to go on with: once more, in other words, then a person."""
        if asking.failures + 1 >= FAILURES:
            return self._give_up(state, asking, reason)
        asking = replace(asking, failures=asking.failures + 1, typed="", pauses=0)
        if asking.offered is not None:
            return self._offer(state, asking, slot, asking.offered)
        state = replace(state, asking=replace(asking, begun=""))
        return Step(state, (self._form.say(state, asking, f"again:{slot.name}", slot.again or slot.ask),))

    def _give_up(self, state: State, asking: Asking, reason: HandOver) -> Step:
        return hand_over(self.script, state, reason, *self.loose_ends(asking))

    # --- values ---

    def _offer(self, state: State, asking: Asking, slot: Slot, value: str) -> Step:
        """Say it back where the scenario wants that, or take it."""
        if slot.confirm is None:
            return self._accept(state, asking, slot, value)
        asking = replace(asking, offered=value, begun="", typed="")
        state = replace(state, asking=asking, silences=0)
        return Step(state, (self._form.say(state, asking, f"confirm:{slot.name}", slot.confirm),))

    def _accept(self, state: State, asking: Asking, slot: Slot, value: str) -> Step:
        asking = replace(
            asking,
            values={**asking.values, slot.name: value},
            offered=None,
            begun="",
            typed="",
            failures=0,
            corrections=0,
        )
        return self._next(state, asking).after(self._form.note(slot, value))

    def _next(self, state: State, asking: Asking) -> Step:
        """The next slot, or what comes when there is none left."""
        slot, question = self._form.slot(asking), self._form.question(asking)
        if slot is not None:
            state = replace(state, asking=asking, silences=0, misses=0)
            return Step(state, (self._form.say(state, asking, f"ask:{slot.name}", slot.ask),))
        name = self._form.identity.lookup if asking.identity else question.lookup
        if name is None:
            return self._answer(state, asking, question, question.answer or "", {})
        wanted = self.script.lookups[name].asks_with
        values = {slot: value for slot, value in asking.values.items() if slot in wanted}
        state = replace(state, asking=replace(asking, looking=True), serial=state.serial + 1)
        return Step(state, (LookUp(state.serial, name, values),))

    # --- the company's answer ---

    def _looked_up(self, state: State, asking: Asking, answer: lookups.Answer) -> Step:
        asking = replace(asking, looking=False)
        question = self._form.question(asking)
        name = self._form.identity.lookup if asking.identity else question.lookup or ""
        lookup = self.script.lookups[name]
        if isinstance(answer, lookups.Failed):
            return self._no_answer(state, asking, name, answer.trouble)
        if asking.identity:
            return self._proved(state, asking, answer)
        if isinstance(answer, lookups.Unknown):
            return self._not_found(state, asking, name, lookup)
        text = lookups.words_for(lookup, answer.fields)
        fields = lookups.spoken_fields(lookup, answer.fields, self.language)
        if text is None:
            return self._no_answer(state, asking, name, Trouble.UNFIT)
        try:
            return self._answer(state, asking, question, text, fields).after(
                Note(About.LOOKUP, name, value="found")
            )
        except MissingField:
            return self._no_answer(state, asking, name, Trouble.UNFIT)

    def _no_answer(self, state: State, asking: Asking, name: str, trouble: Trouble) -> Step:
        sorry = self._form.plain(state, asking, f"failed:{name}", self.script.lookups[name].failed)
        note = Note(About.LOOKUP, name, value=trouble.value)
        return hand_over(self.script, state, HandOver.LOOK_UP, note, *sorry)

    def _not_found(self, state: State, asking: Asking, name: str, lookup: Lookup) -> Step:
        said = self._form.plain(state, asking, f"not_found:{name}", lookup.not_found.say)
        note = Note(About.LOOKUP, name, value="not_found")
        again = lookup.not_found.ask_again
        if asking.unknown + 1 >= FAILURES:
            return hand_over(self.script, state, HandOver.LOOK_UP, note, *said)
        if again is None:
            done = self._answered(state, asking, self._form.question(asking))
            return Step(done, (note, *said, Say("anything_else", self.script.anything_else)))
        values = {slot: value for slot, value in asking.values.items() if slot != again}
        asking = replace(asking, values=values, unknown=asking.unknown + 1)
        return self._next(state, asking).after(note, *said)

    def _proved(self, state: State, asking: Asking, answer: lookups.Answer) -> Step:
        """What the company says to who the caller claims to be."""
        identity = self._form.identity
        if not isinstance(answer, lookups.Found) or not lookups.fits(identity.when, answer.fields):
            failures = state.identity_failures + 1
            state = replace(state, identity_failures=failures)
            note = Note(About.IDENTITY, identity.lookup, value="not_proved")
            if failures >= FAILURES:
                return hand_over(self.script, state, HandOver.IDENTITY, note)
            asked = {slot.name for slot in identity.slots}
            values = {name: value for name, value in asking.values.items() if name not in asked}
            sorry = Say("not_passed", identity.not_passed)
            return self._next(state, replace(asking, values=values)).after(note, sorry)
        told = {name: str(value) for name, value in answer.fields.items()}
        known = {**asking.values, **told}
        state = replace(state, identified=True, known={**state.known, **known})
        passed = Note(About.IDENTITY, identity.lookup, value="proved"), Say("passed", identity.passed)
        return self._next(state, replace(asking, identity=False, values=known)).after(*passed)

    def _answer(
        self, state: State, asking: Asking, question: Question, text: str, fields: Mapping[str, str]
    ) -> Step:
        """Say it. Raises MissingField."""
        said = self._form.say(state, asking, f"answer:{question.name}", text, fields)
        done = self._answered(state, asking, question)
        return Step(done, (said, Say("anything_else", self.script.anything_else)))

    @staticmethod
    def _answered(state: State, asking: Asking, question: Question) -> State:
        return replace(
            state,
            asking=None,
            answered=question.topic,
            after=question.follows or question.name,  # "and on Monday?" may come after "and on Sunday?"
            misses=int(asking.unclear),
            silences=0,
            last={**asking.values},
        )

    def _has_to_prove(self, state: State, question: Question) -> bool:
        return question.private and not state.identified

    @staticmethod
    def _awaits(state: State, asking: Asking, serial: int) -> bool:
        return asking.looking and serial == state.serial
