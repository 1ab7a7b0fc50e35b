"""What the bot does next: a pure state machine from what the caller did to what the bot says or decides.

No sound, no clock, no I/O. Its rule above all others: whoever asks for a person or presses zero gets one at
once in every state, and whoever does not get on gets one too, after at most three fruitless turns.
"""

from dataclasses import dataclass, field, replace

from tickets.vocabulary import HandOver
from voicebot.script import BotScript, Question
from voicebot.understanding import Kind, Understood


@dataclass(frozen=True, slots=True)
class Heard:
    """The caller said something. `clear`: the recogniser was sure of the words."""

    understood: Understood
    clear: bool = True


@dataclass(frozen=True, slots=True)
class Key:
    """The caller pressed a key: 0-9, *, #, A-D."""

    digit: str


@dataclass(frozen=True, slots=True)
class Silence:
    """The bot waited, and the caller said nothing."""


@dataclass(frozen=True, slots=True)
class AllSaid:
    """Everything that the bot had to say was heard, and nobody is speaking."""


@dataclass(frozen=True, slots=True)
class TimeIsUp:
    """The conversation reached its limit."""


Input = Heard | Key | Silence | AllSaid | TimeIsUp


@dataclass(frozen=True, slots=True)
class Say:
    """Speak this. `prompt` names it for the ledger: "greeting", "answer:next_draw", …"""

    prompt: str
    text: str


@dataclass(frozen=True, slots=True)
class GiveToOperator:
    """Once everything before is said, the caller goes to a person; at once if there is nothing."""

    reason: HandOver


@dataclass(frozen=True, slots=True)
class Finish:
    """Once everything before is said, the call is over: the bot answered."""


Action = Say | GiveToOperator | Finish


@dataclass(frozen=True, slots=True)
class State:
    """Where the conversation stands."""

    answered: str | None = None  # topic of the last question answered
    misses: int = 0  # turns in a row that were not understood
    silences: int = 0  # since something was last understood
    closing: bool = False  # good-bye is being said; the caller may still speak up
    over: bool = False  # decided; nothing changes it any more


@dataclass(frozen=True, slots=True)
class Step:
    """The state after an input, and what to do, in order."""

    state: State
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True)
class Dialogue:
    """One script's dialogue; holds no conversation, so that all calls share it."""

    script: BotScript
    _questions: dict[str, Question] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "_questions", {question.name: question for question in self.script.questions}
        )

    def begin(self) -> Step:
        """The first words."""
        return Step(State(), (Say("greeting", self.script.greeting),))

    def step(self, state: State, happened: Input) -> Step:
        """What follows. After the end (`state.over`) nothing does."""
        if state.over:
            return Step(state)
        match happened:
            case Heard(understood, clear):
                return self._heard(replace(state, closing=False), state, understood, clear)
            case Key("0"):
                return self._hand_over(state, HandOver.PRESSED_ZERO)
            case Key():
                return self._missed(replace(state, closing=False))
            case Silence():
                return self._silence(state)
            case AllSaid():
                return Step(replace(state, over=True), (Finish(),)) if state.closing else Step(state)
            case TimeIsUp():
                return self._hand_over(state, HandOver.DEADLINE)

    def _heard(self, state: State, before: State, understood: Understood, clear: bool) -> Step:
        match understood.kind:
            case Kind.OPERATOR:
                return self._hand_over(state, HandOver.ASKED)
            case Kind.QUESTION if understood.name in self._questions:
                return self._answer(state, self._questions[understood.name])
            case Kind.GOODBYE | Kind.NO if clear and state.answered is not None:
                return self._close(state)
            case Kind.YES if state.misses == 0:
                # Counted as a miss, so that "yes" again and again does not go in circles.
                return Step(replace(state, misses=1), (Say("go_on", self.script.go_on),))
            case Kind.NOTHING if before.closing:
                return Step(before)  # a cough does not keep a caller who is leaving
            case Kind.NOTHING:
                return self._silence(state)
            case Kind.OUT_OF_SCOPE if clear and understood.clear:
                return self._hand_over(state, HandOver.OUT_OF_SCOPE)
        # A "bye" before any answer, or a doubtful one, is more often noise than a wish: no call ends on it.
        return self._missed(state)

    def _answer(self, state: State, question: Question) -> Step:
        return Step(
            replace(state, answered=question.topic, misses=0, silences=0),
            (
                Say(f"answer:{question.name}", question.answer),
                Say("anything_else", self.script.anything_else),
            ),
        )

    def _close(self, state: State) -> Step:
        return Step(replace(state, closing=True), (Say("goodbye", self.script.goodbye),))

    def _missed(self, state: State) -> Step:
        if state.misses:
            return self._hand_over(state, HandOver.NOT_UNDERSTOOD)
        return Step(replace(state, misses=1), (Say("not_understood", self.script.not_understood),))

    def _silence(self, state: State) -> Step:
        if state.closing:
            return Step(replace(state, over=True), (Finish(),))
        if state.silences:
            return self._hand_over(state, HandOver.SILENCE)
        return Step(replace(state, silences=1), (Say("say_again", self.script.say_again),))

    def _hand_over(self, state: State, reason: HandOver) -> Step:
        decided = replace(state, closing=False, over=True)
        if reason in (HandOver.DEADLINE, HandOver.PRESSED_ZERO):
            # They waited long enough, or know what they pressed: without a word. The queue says the rest.
            return Step(decided, (GiveToOperator(reason),))
        said = Say("handing_over", self.script.handing_over)
        return Step(decided, (said, GiveToOperator(reason)))
