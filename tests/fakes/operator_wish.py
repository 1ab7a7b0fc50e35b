"""The wish for a person in every state of the lottery's bot: is the caller handed over within two turns?"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import NamedTuple

from tests.fakes.scripts import script, trained
from voicebot.conversation import SENTENCE_S
from voicebot.dialogue import Dialogue
from voicebot.listening import COUGH_S
from voicebot.lookup import Found
from voicebot.meaning import Meaning
from voicebot.moves import GiveToOperator, Heard, LookedUp, Silence, State
from voicebot.understanding import Kind, Understanding, Understood

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)

_ANSWER = Found({"status": "lost"})
_UNCLEAR = Understood(Kind.OUT_OF_SCOPE, score=0.2, clear=False)
_NUMBER = Heard(_UNCLEAR, text="12345678")


def _asks(name: str) -> Heard:
    return Heard(Understood(Kind.QUESTION, name), text="")


WAYS: dict[str, tuple[Heard, ...]] = {
    "at the beginning": (),
    "after an answer": (_asks("next_draw"),),
    "not understood once": (Heard(_UNCLEAR),),
    "asked back what they meant": (Heard(replace(_UNCLEAR, maybe="jackpot")),),
    "asked for a number": (_asks("check_ticket"),),
    "asked whether the number is right": (_asks("check_ticket"), _NUMBER),
    "while their number is looked up": (
        _asks("check_ticket"),
        _NUMBER,
        Heard(Understood(Kind.YES), text="yes"),
    ),
    "asked who they are": (_asks("account_balance"),),
    "asked for a date": (_asks("account_balance"), Heard(_UNCLEAR, text="1234")),
    "while good-bye is being said": (_asks("next_draw"), Heard(Understood(Kind.GOODBYE))),
}
"""What the caller has said until then, by state."""


class Turn(NamedTuple):
    """What came of one saying."""

    text: str  # empty: no words
    sure: bool = True
    spoken_s: float = 2.0  # 0.0: nothing was heard at all


class Bot:
    """The lottery's bot in one language, without sound. `meaning`: the model, where it is to be measured."""

    def __init__(self, language: str, meaning: Meaning | None = None) -> None:
        if meaning is None:
            self.understanding = trained(script(language), language)
        else:
            self.understanding = Understanding.train(script(language), language, meaning)
        self.dialogue = Dialogue(script(language), language)
        self._classify = cache(self.understanding.classify)

    def states(self) -> dict[str, State]:
        """Every state in which a caller may speak."""
        found = {}
        for name, said in WAYS.items():
            state = self.dialogue.begin(NOW).state
            for heard in said:
                state = self.dialogue.step(state, heard).state
            assert not state.over, name
            found[name] = state
        return found

    def hands_over(self, state: State, turns: Sequence[Turn]) -> bool:
        """Whether one of these turns ends with a person."""
        for turn in turns:
            step = self.dialogue.step(state, self._happened(turn, state))
            if any(isinstance(action, GiveToOperator) for action in step.actions):
                return True
            if step.state.over:
                return False  # it hung up
            state = step.state
            if state.asking is not None and state.asking.looking:  # no caller says it twice so fast
                state = self.dialogue.step(state, LookedUp(state.serial, _ANSWER)).state
        return False

    def _happened(self, turn: Turn, state: State) -> Heard | Silence:
        if not turn.text and turn.spoken_s < COUGH_S:
            return Silence()  # nobody acts on it, and the bot waits
        unheard = not turn.text and turn.spoken_s >= SENTENCE_S
        return Heard(self._classify(turn.text, state.after), turn.sure, turn.text, unheard)
