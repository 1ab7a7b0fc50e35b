"""In what stretches a Vosk model computes, and so how much quiet brings out the last words.

A model looks ahead: it computes a stretch once that, and so much more, has come in. Behind the last word
somebody has to send as much; to send more costs a decoder work for nothing, to send less loses the word.
Knows no engine: what a model says of itself stands in its files.

Sources: Kaldi's `nnet3/decodable-online-looped.cc` (`NumFramesReady`), `nnet3/nnet-compile-looped.cc`
(`GetChunkSize`) and `nnet3/am-nnet-simple.cc` (`Write`); Vosk's `src/model.cc` and `src/recognizer.cc`.
"""

import mmap
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from voicebot.media import SAMPLE_RATE

_FRAME: Final = SAMPLE_RATE // 100  # samples from one frame of features to the next
_WINDOW: Final = SAMPLE_RATE * 35 // 1000  # that a frame lasts longer than its step, and two frames more
_RESTARTS_S: Final = 580.0  # after ten minutes Vosk counts anew, at a moment that it tells nobody
_RIGHT_CONTEXT: Final = re.compile(rb"<RightContext> \x04(.{4})", re.DOTALL)
_SETTING: Final = re.compile(r"^\s*--(frames-per-chunk|frame-subsampling-factor)=(\d+)", re.MULTILINE)
_CHUNK: Final = 20  # frames, where the model says nothing
_LAYOUTS: Final = (("am/final.mdl", "conf/model.conf"), ("final.mdl", None))
_OLD_SUBSAMPLING: Final = 3  # of the layout that has no settings


@dataclass(frozen=True, slots=True)
class Stretches:
    """Both in frames of 10 ms. `length` at a time, once `ahead` more are there."""

    length: int
    ahead: int

    def quiet_after(self, heard: int) -> int:
        """Samples that must follow `heard`, all since the decoder was made, to have them all computed."""
        if heard > _RESTARTS_S * SAMPLE_RATE:
            return (self.length + self.ahead) * _FRAME + _WINDOW
        stretches = -(-heard // (self.length * _FRAME))
        return (stretches * self.length + self.ahead) * _FRAME + _WINDOW - heard


def read(folder: Path) -> Stretches | None:
    """What the model in that folder says; None where it has no layout that is known here."""
    for acoustic, settings in _LAYOUTS:
        try:
            ahead = _ahead(folder / acoustic)
            said = dict(_SETTING.findall((folder / settings).read_text())) if settings else None
        except (OSError, ValueError):
            continue
        if ahead is None:
            return None
        if said is None:
            return Stretches(_rounded(_CHUNK, _OLD_SUBSAMPLING), ahead)
        chunk, every = int(said.get("frames-per-chunk", _CHUNK)), int(said.get("frame-subsampling-factor", 1))
        return Stretches(_rounded(chunk, every), ahead) if chunk and every else None
    return None


def _ahead(acoustic: Path) -> int | None:
    with acoustic.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        found = _RIGHT_CONTEXT.search(data, max(0, len(data) - 2**20)) or _RIGHT_CONTEXT.search(data)
        return int.from_bytes(found[1], "little", signed=True) if found else None


def _rounded(chunk: int, every: int) -> int:
    return -(-chunk // every) * every
