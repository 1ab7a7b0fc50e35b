"""What the listening half of a conversation tells the talking half. Values only."""

from dataclasses import dataclass

from recordings.transcript import Recognised
from voicebot import moves as talk


@dataclass(frozen=True, slots=True)
class Words:
    """An utterance has ended, and this is what was said.

    `started_at_s`: of the audio heard so far; `spoken_s`: from its first to its last frame of speech.
    """

    recognised: Recognised
    started_at_s: float
    spoken_s: float


@dataclass(frozen=True, slots=True)
class Broken:
    """Something in the listening half failed: the talking half raises it."""

    error: Exception


@dataclass(frozen=True, slots=True)
class Drained:
    """What was being said has been heard out, or the caller is gone: look anew."""


News = (
    Words
    | Broken
    | Drained
    | talk.Key
    | talk.KeysPaused
    | talk.Silence
    | talk.StillLooking
    | talk.LookedUp
    | talk.TimeIsUp
)
