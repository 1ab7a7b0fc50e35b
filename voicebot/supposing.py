"""A question that was perhaps asked: the bot asks back ("do you want to know …?") before it answers.

Pure, as the whole dialogue. It counts as a turn that was not understood, so that nobody goes in circles: a no
is asked once for other words, and whatever else leads nowhere leads to a person.
"""

from dataclasses import replace
from typing import Final

from tickets.vocabulary import HandOver
from voicebot.consent import NO_KEYS, YES_KEYS, says_yes
from voicebot.moves import Heard, Input, Key, Say, State, Step, Supposed
from voicebot.script import BotScript, Question
from voicebot.ways_out import hand_over

MOST_MISSES: Final = 2
"""Turns without success in a row; after them a no leads to a person."""


def ask_back(state: State, question: Question, text: str) -> Step | None:
    """Whether it was this question. `text`: the caller's words. None: that cannot be asked, or not again."""
    if question.confirm is None or state.misses >= MOST_MISSES:
        return None
    state = replace(state, supposed=Supposed(question.name, text), misses=state.misses + 1)
    return Step(state, (Say(f"confirm:{question.name}", question.confirm),))


def answered(happened: Input, language: str) -> bool | None:
    """Whether it was; None: that is no answer."""
    match happened:
        case Heard():
            return says_yes(happened, language)
        case Key(digit) if digit in YES_KEYS | NO_KEYS:
            return digit in YES_KEYS
    return None


def denied(script: BotScript, state: State) -> Step:
    """It was another question: which?"""
    state = replace(state, supposed=None)
    if state.misses >= MOST_MISSES:
        return hand_over(script, state, HandOver.NOT_UNDERSTOOD)
    return Step(state, (Say("not_understood", script.not_understood),))
