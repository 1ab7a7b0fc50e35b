"""English words that nobody ends a sentence with."""

from voicebot.languages.shape import Pauses, listed

PAUSES = Pauses(
    not_last=frozenset(
        listed(
            """
    a an the my your our and or but because if when with without of for to about um uh uhm erm er hmm i i'm
    is are was whether that's which
    """
        )
    ),
    wishes=("i want", "i need", "would like"),
)
