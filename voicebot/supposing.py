"""A question that was perhaps asked: the bot asks back ("do you want to know …?") before it answers.

Pure, as the whole dialogue. It counts as a turn that was not understood, and only the first one is asked back
about: a no is asked for other words, and whatever else leads nowhere leads to a person. So whoever asks for
one in words that no recogniser hears gets there in two turns, or in three if one of them sounded like a no.
"""

from dataclasses import replace

from voicebot.consent import NO_KEYS, YES_KEYS, says_yes
from voicebot.moves import Heard, Input, Key, Say, State, Step, Supposed
from voicebot.script import BotScript, Question
from voicebot.understanding import Kind


def ask_back(state: State, question: Question, text: str) -> Step | None:
    """Whether it was this question. `text`: the caller's words. None: that cannot be asked, or not again."""
    if question.confirm is None or state.misses:
        return None
    state = replace(state, supposed=Supposed(question.name, text), misses=1)
    return Step(state, (Say(f"confirm:{question.name}", question.confirm),))


def answered(happened: Input, language: str) -> bool | None:
    """Whether it was; None: that is no answer."""
    match happened:
        case Heard():
            said = says_yes(happened, language)
            # "I have another question": a yes to nothing that was asked.
            return False if said is None and happened.understood.kind is Kind.YES else said
        case Key(digit) if digit in YES_KEYS | NO_KEYS:
            return digit in YES_KEYS
    return None


def denied(script: BotScript, state: State) -> Step:
    """It was another question: which?"""
    return Step(replace(state, supposed=None), (Say("not_understood", script.not_understood),))
