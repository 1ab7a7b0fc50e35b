"""What the bot does next: a pure state machine from what the caller did to what the bot says or decides.

No sound, no clock, no I/O. Its rule above all others: whoever asks for a person or presses zero gets one at
once in every state, and whoever does not get on gets one too, after a few fruitless turns. One thing only is
before it: within a number that the caller has begun to key in, a zero is a digit if another key follows; if
none does, it was the wish for a person.

What a question needs before it can be answered (slots, identity, a look-up) is asked in `filling`; values
that go in and out are in `moves`.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo

from tickets.vocabulary import HandOver
from voicebot.filling import Filling
from voicebot.moves import (
    AllSaid,
    Finish,
    Heard,
    Input,
    Key,
    KeysPaused,
    LookedUp,
    Say,
    Silence,
    State,
    Step,
    StillLooking,
    Supposed,
    TimeIsUp,
)
from voicebot.script import BotScript, Question
from voicebot.supposing import answered, ask_back, denied
from voicebot.texts import CUSTOMER, compose
from voicebot.thumbs import Thumbs, goodbye
from voicebot.turn_end import OPEN, YES_NO, Expect
from voicebot.understanding import Kind
from voicebot.ways_out import hand_over, missed


@dataclass(frozen=True)
class Dialogue:
    """One script's dialogue; holds no conversation, so that all calls share it."""

    script: BotScript
    language: str = "en"  # BCP 47
    zone: tzinfo = UTC  # of the callers: what "yesterday" is
    _questions: dict[str, Question] = field(init=False, repr=False)
    _filling: Filling = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "_questions", {question.name: question for question in self.script.questions}
        )
        object.__setattr__(self, "_filling", Filling(self.script, self.language))

    def begin(self, now: datetime, customer: str | None = None) -> Step:
        """The first words. `now`: aware; `customer`: the caller's name, if it is known."""
        state = State(today=now.astimezone(self.zone).date(), customer=customer)
        known = {} if customer is None else {CUSTOMER: customer}
        greeting = compose(self.script.greeting, known, {})
        return Step(state, (Say("greeting", greeting.told, greeting.parts),))

    def is_private(self, state: State) -> bool:
        """Whether what the caller says now stays out of the ledger."""
        return state.asking is not None and self._filling.is_private(state.asking)

    def is_answer(self, state: State, heard: Heard) -> bool:
        """Whether it is one to what the bot has asked, and no matter of its own."""
        if state.supposed is not None:
            return answered(heard, self.language) is not None
        return state.asking is not None or state.judging is not None

    def expects(self, state: State) -> Expect:
        """What the caller is asked for: how soon a silence ends the answer."""
        if state.supposed is not None:
            return YES_NO
        return OPEN if state.asking is None else self._filling.expects(state.asking)

    def step(self, state: State, happened: Input) -> Step:
        """What follows. After the end (`state.over`) nothing does."""
        if state.over:
            return Step(state)
        match happened:
            case Heard(understood) if understood.kind is Kind.OPERATOR:
                return self._hand_over(state, HandOver.ASKED)
            case Key("0") if state.asking is None or not self._filling.takes_zero(state.asking):
                return self._hand_over(state, HandOver.PRESSED_ZERO)
            case TimeIsUp():
                return self._hand_over(state, HandOver.DEADLINE)
            case Heard(unheard=True) if state.unheard and not state.typing:
                return self._hand_over(state, HandOver.NOT_UNDERSTOOD)  # no cough comes twice and so long
            case Heard() | Key():
                state = replace(state, unheard=isinstance(happened, Heard) and happened.unheard)
        if state.judging is not None:
            judged = Thumbs(self.script, self.language).step(state, state.judging, happened)
            if judged is not None:
                return judged
            state = replace(state, judging=None)
        if state.supposed is not None:
            settled = self._suppose(state, state.supposed, happened)
            if settled is not None:
                return settled
            state = replace(state, supposed=None)
        if state.asking is not None:
            filled = self._filling.step(state, state.asking, happened)
            if filled is not None:
                return filled
        return self._free(state, happened)

    def _ask_back(self, state: State, name: str | None, text: str) -> Step | None:
        question = self._questions.get(name or "")
        return None if question is None else ask_back(state, question, text)

    def _suppose(self, state: State, supposed: Supposed, happened: Input) -> Step | None:
        """What follows on "do you want to know …?"; None: the caller has left it."""
        match happened:
            case Heard() | Key() | Silence():
                was_it = answered(happened, self.language)
                if isinstance(happened, Heard) and self._asks_another(supposed, happened):
                    return None
            case _:
                return Step(state)
        if was_it:
            question = self._questions[supposed.question]
            return self._filling.begin(replace(state, supposed=None), question, supposed.text)
        return None if was_it is None else denied(self.script, state)

    @staticmethod
    def _asks_another(supposed: Supposed, heard: Heard) -> bool:
        """Whether it is a question of its own, whatever its first word is."""
        understood = heard.understood
        is_sure = understood.kind is Kind.QUESTION and not heard.doubtful
        return is_sure and understood.name != supposed.question

    def _free(self, state: State, happened: Input) -> Step:
        """While nothing is asked for, or the caller has left it."""
        match happened:
            case Heard():
                return self._heard(replace(state, closing=False), state, happened)
            case Key():
                return missed(self.script, replace(state, closing=False))
            case Silence():
                return self._silence(state)
            case AllSaid() if state.closing:
                return Step(replace(state, over=True), (Finish(),))
            case AllSaid() | KeysPaused() | StillLooking() | LookedUp() | TimeIsUp():
                return Step(state)

    def _heard(self, state: State, before: State, heard: Heard) -> Step:
        understood, clear, text = heard.understood, heard.clear, heard.text
        match understood.kind:
            case Kind.QUESTION if understood.name in self._questions:
                question = self._questions[understood.name]
                if heard.doubtful and question.confirm is not None:
                    return ask_back(state, question, text) or missed(self.script, state)
                return self._filling.begin(replace(state, asking=None), question, text)
            case Kind.GOODBYE if state.asking is not None:
                # Not this after all. Counted as a miss, so that it does not go in circles.
                left = replace(state, asking=None, misses=1)
                return Step(left, (Say("anything_else", self.script.anything_else),))
            case Kind.GOODBYE | Kind.NO if clear and state.answered is not None:
                return goodbye(self.script, state)
            case Kind.YES if state.misses == 0:
                # Counted as a miss, so that "yes" again and again does not go in circles.
                return Step(replace(state, misses=1), (Say("go_on", self.script.go_on),))
            case Kind.NOTHING if before.closing and not heard.unheard:
                return Step(before)  # a cough does not keep a caller who is leaving; a sentence does
            case Kind.NOTHING if not state.misses:
                return self._silence(state)
            case Kind.OUT_OF_SCOPE if clear and understood.clear:
                return self._hand_over(state, HandOver.OUT_OF_SCOPE)
            case Kind.OUT_OF_SCOPE if asked := self._ask_back(state, understood.maybe, text):
                return asked
        # A "bye" before any answer, or a doubtful one, is more often noise than a wish: no call ends on it.
        return missed(self.script, state)

    def _silence(self, state: State) -> Step:
        if state.closing:
            return Step(replace(state, over=True), (Finish(),))
        if state.silences:
            return self._hand_over(state, HandOver.SILENCE)
        return Step(replace(state, silences=1), (Say("say_again", self.script.say_again),))

    def _hand_over(self, state: State, reason: HandOver) -> Step:
        notes = () if state.asking is None else self._filling.loose_ends(state.asking)
        return hand_over(self.script, state, reason, *notes)
