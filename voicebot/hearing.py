"""The ear of one conversation: voice detector, segmenter and recogniser joined.

Pure glue over its three parts: frames in, segments out, and the words at the end. Knows no carrier and no
dialogue. The early decode lives here: at `Pause` the engine starts, so that at `SpeechEnded` little is left.
"""

from collections.abc import Sequence

from recordings.transcript import Recognised
from voicebot.recognizers.pool import RecognizerPool
from voicebot.segmenter import Segment, Timing


class Ear:
    """One per conversation.

    for event in media: if Audio: for segment in ear.hear(event.pcm): … if SpeechEnded: await ear.words()
    """

    def __init__(
        self, pool: RecognizerPool, *, grammar: Sequence[str] | None = None, timing: Timing | None = None
    ) -> None:
        raise NotImplementedError

    @property
    def partial(self) -> str | None:
        """What a streaming engine understands of the utterance in progress."""
        raise NotImplementedError

    @property
    def speaking_s(self) -> float:
        """How long the utterance in progress lasts already; 0.0 in silence (for barge-in)."""
        raise NotImplementedError

    def hear(self, pcm: bytes) -> Sequence[Segment]:
        """Audio of any length, as it comes."""
        raise NotImplementedError

    async def words(self) -> Recognised:
        """The utterance that `SpeechEnded` closed. Raises as `LiveListening.result` does."""
        raise NotImplementedError

    def restart(self) -> None:
        """Forget an utterance in progress, count silence anew: call when the bot has fallen silent."""
        raise NotImplementedError

    def close(self) -> None:
        """The conversation is over: cancel what the recogniser still computes."""
        raise NotImplementedError
