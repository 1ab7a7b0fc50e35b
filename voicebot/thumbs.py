"""Whether the answer helped: asked once, at the end, where the scenario wants to know.

Pure, as the whole dialogue. It comes between "nothing else, thanks" and good-bye, so that a caller who just
hangs up is never held; whoever says it did not help is offered a person. Anything but an answer ends it.
"""

from dataclasses import dataclass, replace
from typing import Final

from tickets.vocabulary import HandOver
from voicebot.consent import says_yes
from voicebot.moves import Heard, Input, Judging, Key, Say, Silence, State, Step, Thumb
from voicebot.script import BotScript
from voicebot.understanding import Kind
from voicebot.values import digits
from voicebot.ways_out import hand_over

_SAID: Final = {"1": True, "2": False}


def goodbye(script: BotScript, state: State) -> Step:
    """The caller wants nothing more: ask first whether it helped, if that is to be asked."""
    if script.thumbs is None or state.judged:
        return Step(replace(state, judging=None, closing=True), (Say("goodbye", script.goodbye),))
    asking = replace(state, judging=Judging.ANSWER, judged=True)
    return Step(asking, (Say("thumbs", script.thumbs.ask),))


@dataclass(frozen=True, slots=True)
class Thumbs:
    """One script's question whether it helped; holds no conversation."""

    script: BotScript
    language: str  # BCP 47

    def step(self, state: State, judging: Judging, happened: Input) -> Step | None:
        """What follows; None: the caller speaks of something else."""
        match happened:
            case Key(key):
                said = _SAID.get(key)
            case Heard(understood, _, text):
                key = digits(text, self.language)
                if understood.kind in (Kind.YES, Kind.NO):
                    said = says_yes(happened, self.language)
                    if said is None:  # "I have another question"
                        return None
                elif understood.kind is Kind.OUT_OF_SCOPE and key in _SAID:  # "one" instead of the key
                    said = _SAID[key]
                elif understood.kind is Kind.GOODBYE:
                    said = None
                else:
                    return Step(state) if understood.kind is Kind.NOTHING else None
            case Silence():
                said = None
            case _:
                return Step(state)
        if judging is Judging.OFFER:
            return hand_over(self.script, state, HandOver.ASKED) if said else goodbye(self.script, state)
        return self._judged(state, said)

    def _judged(self, state: State, helped: bool | None) -> Step:
        if helped is None or self.script.thumbs is None:
            return goodbye(self.script, state)
        thumb = Thumb(helped, state.after)
        if helped:
            return goodbye(self.script, state).after(thumb)
        offer = Say("thumbs_offer", self.script.thumbs.offer)
        return Step(replace(state, judging=Judging.OFFER), (thumb, offer))
