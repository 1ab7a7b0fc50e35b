"""What was said in a call: words, phrases with their speaker and times, as JSON and as WebVTT.

Pure. Recognisers (upstairs, in `voicebot`) make these; the shelf keeps them. Times are seconds from the
beginning of the audio that was recognised: of an utterance for `Recognised`, of the recording for `Phrase`.
"""

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

Speaker = Literal["caller", "operator", "bot", "unknown"]  # unknown: all voices are on one track
SPEAKERS: tuple[Speaker, ...] = get_args(Speaker)


class BadTranscript(ValueError):
    """A stored transcript does not have the expected shape: transcribe the recording again."""


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised word."""

    text: str
    start_s: float
    end_s: float
    confidence: float | None = None  # 0 … 1; None where the engine gives none


@dataclass(frozen=True, slots=True)
class Phrase:
    """What one speaker said in one go."""

    speaker: Speaker
    start_s: float
    end_s: float
    text: str
    confidence: float | None = None  # 0 … 1; None where the engine gives none
    words: tuple[Word, ...] = ()  # empty where the engine gives no times per word


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a recogniser made of one utterance."""

    text: str  # empty: nothing was said, or nothing that can be trusted
    words: tuple[Word, ...] = ()
    confidence: float | None = None  # 0 … 1; None where the engine gives none
    no_speech: float = 0.0  # 0 … 1: how likely it is that there was no speech at all


def interleave(caller: Iterable[Phrase], heard: Iterable[Phrase]) -> tuple[Phrase, ...]:
    """Both sides of a call as one conversation, by time; at the same instant the caller comes first."""
    return tuple(sorted([*caller, *heard], key=lambda phrase: (phrase.start_s, phrase.end_s)))


def to_json(phrases: Iterable[Phrase]) -> list[dict[str, Any]]:
    """Phrases as plain JSON values; `from_json` gives the same phrases back."""
    return [{**asdict(phrase), "words": [asdict(word) for word in phrase.words]} for phrase in phrases]


def from_json(rows: Sequence[Mapping[str, Any]]) -> tuple[Phrase, ...]:
    """Phrases from what `to_json` made.

    Raises:
        BadTranscript: something is missing, too much, or of the wrong kind.
    """
    try:
        return tuple(
            Phrase(**{**row, "speaker": _speaker(row["speaker"]), "words": _words(row["words"])})
            for row in rows
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadTranscript(
            f"A stored transcript cannot be read ({type(error).__name__}): transcribe the recording again."
        ) from error


def spoken(texts: Iterable[str]) -> str:
    """What was said in phrases, as one line in lower case: the form in which words are looked for."""
    return " ".join(" ".join(texts).lower().split())


def to_webvtt(phrases: Iterable[Phrase]) -> str:
    """The conversation as WebVTT with a voice tag per known speaker (https://www.w3.org/TR/webvtt1/).

    Text is escaped, and line ends within it become spaces, so that no words can forge a cue.
    """
    cues = ["WEBVTT\n"]
    for phrase in phrases:
        text = html.escape(" ".join(phrase.text.split()), quote=False)
        if text:
            # A cue must end later than it begins.
            end_s = max(phrase.end_s, phrase.start_s + 0.001)
            said = text if phrase.speaker == "unknown" else f"<v {phrase.speaker}>{text}</v>"
            cues.append(f"{_timestamp(phrase.start_s)} --> {_timestamp(end_s)}\n{said}\n")
    return "\n".join(cues)


def _speaker(value: object) -> Speaker:
    for speaker in SPEAKERS:
        if value == speaker:
            return speaker
    raise ValueError(value)


def _words(rows: Sequence[Mapping[str, Any]]) -> tuple[Word, ...]:
    return tuple(Word(**row) for row in rows)


def _timestamp(seconds: float) -> str:
    """`hh:mm:ss.ttt`; hours may have more than two digits."""
    milliseconds = max(0, round(seconds * 1000))
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{milliseconds // 1000:02}.{milliseconds % 1000:03}"
