"""Consecutive parts of one utterance as one. Pure."""

from collections.abc import Sequence

from recordings.transcript import Recognised


def joined(parts: Sequence[Recognised]) -> Recognised:
    """As sure as its least sure part that has words. Times of words stay as they are."""
    if len(parts) == 1:
        return parts[0]
    spoken = [part for part in parts if part.text]
    return Recognised(
        " ".join(part.text for part in spoken),
        tuple(word for part in spoken for word in part.words),
        min((part.confidence or 0.0 for part in spoken), default=0.0),
        min((part.no_speech for part in parts), default=1.0),
    )
