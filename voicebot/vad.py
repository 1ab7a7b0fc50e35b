"""The only door to webrtcvad: is there a voice in these 20 ms?

Knows no utterance: `voicebot.segmenter` makes utterances of its flags.
"""

from collections.abc import Iterator

import webrtcvad

from voicebot.media import FRAME_BYTES, SAMPLE_RATE

_STRICTEST = 3  # of webrtcvad's four modes: line noise and breath would keep an utterance open


class VoiceDetector:
    """One per line: it adapts to the noise there, and keeps an incomplete frame for the next call."""

    def __init__(self) -> None:
        self._vad = webrtcvad.Vad(_STRICTEST)
        self._rest = b""

    def frames(self, pcm: bytes) -> Iterator[tuple[bytes, bool]]:
        """Signed 16-bit little-endian mono at 8 kHz of any length, as 20 ms frames, each with its flag."""
        data = self._rest + pcm
        whole = len(data) - len(data) % FRAME_BYTES
        self._rest = data[whole:]
        for at in range(0, whole, FRAME_BYTES):
            frame = data[at : at + FRAME_BYTES]
            yield frame, bool(self._vad.is_speech(frame, SAMPLE_RATE))
