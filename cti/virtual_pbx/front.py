"""What a virtual PBX that asks us what a caller hears needs of the house: reception's parts.

A vendor that routes by its own scheme has no use for it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cti.bot.conversations import Conversations
from ivr.menu import Incident
from ivr.prompts import PromptBook
from tickets.call import Call
from tickets.events import Publish


@dataclass(frozen=True, slots=True)
class Front:
    """One for all calls; everything here answers at once."""

    prompts: PromptBook
    bot: Conversations
    bot_speaks: Callable[[str], bool]  # whether the bot can talk in a language
    publish: Publish
    live: Callable[[], Sequence[Call]]  # the calls of this moment
    takes_calls: Callable[[str], bool]  # an operator (extension) has neither paused nor gone away
    writes_up: Callable[[str], bool]  # … and is about to take the next one
    in_surge: Callable[[], bool]
    incident: Callable[[], Incident | None]
