"""The ways out of a conversation: to an operator, or to good-bye. Pure; used by all parts of the dialogue."""

from dataclasses import replace

from tickets.vocabulary import HandOver
from voicebot.moves import Action, Asking, GiveToOperator, Say, State, Step
from voicebot.script import BotScript


def hand_over(script: BotScript, state: State, reason: HandOver, *before: Action) -> Step:
    """To a person, after what is to be said or noted before."""
    decided = replace(state, closing=False, over=True)
    if reason in (HandOver.DEADLINE, HandOver.PRESSED_ZERO):
        # They waited long enough, or know what they pressed: without a word. The queue says the rest.
        return Step(decided, (*before, GiveToOperator(reason)))
    said = Say("handing_over", script.handing_over)
    return Step(decided, (*before, said, GiveToOperator(reason)))


def missed(script: BotScript, state: State) -> Step:
    """What the caller said or pressed led nowhere: once more, then a person."""
    if state.misses:
        return hand_over(script, state, HandOver.NOT_UNDERSTOOD)
    return Step(replace(state, misses=1), (Say("not_understood", script.not_understood),))


def now_asking(state: State, asking: Asking | None) -> State:
    """The state in which this is asked for; None: nothing any more."""
    return replace(state, asking=asking)
