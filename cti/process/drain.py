"""What becomes of the callers in our care when the service is told to end.

No conversation with the bot begins any more, and new callers go straight to the operators, with the priority
that is theirs. Who is in the menu or talks with the bot may finish; at the limit they are handed over too.
Callers who wait or talk need nothing of us. Knows the doors by what it asks of them; nothing of signals.
"""

import asyncio
from typing import Protocol

import structlog

log = structlog.get_logger()

HAND_OVER_S = 5.0
"""After the limit: for the bot to let go, and for the way back to the dialplan."""


class Entrance(Protocol):
    """`ivr.reception.Reception`."""

    def pass_on(self) -> None:
        """From now on new callers go straight to the operators."""


class Sessions(Protocol):
    """`ivr.server.FastAgiServer`."""

    async def served(self) -> None:
        """Return when the sessions that are open now are over."""

    def let_go(self) -> None:
        """End the open sessions: their dialplans go on to the operators."""


class Talks(Protocol):
    """`cti.bot.conversations.Conversations`."""

    def begin_no_more(self) -> None:
        """From now on there is no room for another conversation."""

    async def over(self) -> None:
        """Return when nobody talks, is on the way to the bot, or on the way back from it."""

    def hand_over(self) -> None:
        """Bring those that go on to their end, with an operator."""


class Drain:
    """Used once."""

    def __init__(self, reception: Entrance, sessions: Sessions, talks: Talks) -> None:
        self._reception = reception
        self._sessions = sessions
        self._talks = talks
        self.begun = False

    async def run(self, within_s: float, hurry: asyncio.Event) -> None:
        """Return when nobody is in our care any more: within `within_s`, and soon once `hurry` is set."""
        self.begun = True
        self._reception.pass_on()
        self._talks.begin_no_more()
        finished = asyncio.create_task(self._finished())
        hurried = asyncio.create_task(hurry.wait())
        try:
            await asyncio.wait({finished, hurried}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
            if not finished.done():
                log.info("Who is still with us goes to the operators.", action="service_hands_over")
                self._sessions.let_go()
                self._talks.hand_over()
                await asyncio.wait({finished}, timeout=HAND_OVER_S)
        finally:
            for task in (finished, hurried):
                task.cancel()
            await asyncio.wait({finished, hurried})

    async def _finished(self) -> None:
        await self._sessions.served()  # in the menu
        await self._talks.over()
        await self._sessions.served()  # back from the bot, asking what it decided
