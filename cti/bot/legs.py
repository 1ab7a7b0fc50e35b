"""Keeps the fuse of the voicebot's legs from burning down while the voicebot hears its callers.

The dialplan gives each bot leg a short TIMEOUT(absolute) (`PbxPlan.bot_fuse_s`). Every half second we set it
anew, over AMI, for those conversations that have just heard something. Whatever stops that – this process
frozen, the audio silent, the link to the PBX cut – Asterisk ends the leg by itself and takes the caller on.
The fuse is on the bot's leg and never on the caller's channel, so a word that comes late finds nobody.

Knows conversations by call id and legs by channel id; nothing of what is said.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from cti.asterisk.ami import AmiCut, AmiLate, AmiRefused
from cti.asterisk.config import BOT_FUSE_S

EVERY_S = 0.5
HEARD_WITHIN_S = 0.5  # a telephone sends 50 frames a second
UNATTENDED_S = 10.0  # a leg without a conversation is forgotten after that


class AsksPbx(Protocol):
    """The part of `AmiLink` that is needed here."""

    async def action(self, name: str, /, **fields: str) -> object: ...


@dataclass(slots=True)
class _Leg:
    channel: str
    attended_at: float


class BotLegs:
    """Used from the event loop only."""

    def __init__(self, unheard: Callable[[], Mapping[str, float]], pbx: AsksPbx) -> None:
        """`unheard`: seconds since each conversation (by call id) last heard its caller."""
        self._unheard = unheard
        self._pbx = pbx
        self._legs: dict[str, _Leg] = {}
        self._asked: set[asyncio.Task[None]] = set()

    def met(self, call_id: str, channel: str) -> None:
        """The PBX says which channel the bot's leg of this call is."""
        self._legs[call_id] = _Leg(channel, asyncio.get_running_loop().time())

    async def run(self) -> None:
        """Re-arm until cancelled."""
        try:
            while True:
                self._round(asyncio.get_running_loop().time())
                await asyncio.sleep(EVERY_S)
        finally:
            for task in self._asked:
                task.cancel()

    def _round(self, now: float) -> None:
        unheard = self._unheard()
        for call_id, leg in list(self._legs.items()):
            if call_id in unheard:
                leg.attended_at = now
                if unheard[call_id] < HEARD_WITHIN_S:
                    # Not waited for: an answer that is slow to come must not hold up the others.
                    task = asyncio.create_task(self._rearm(leg.channel))
                    self._asked.add(task)
                    task.add_done_callback(self._asked.discard)
            elif now - leg.attended_at > UNATTENDED_S:
                del self._legs[call_id]

    async def _rearm(self, channel: str) -> None:
        with contextlib.suppress(AmiCut, AmiLate, AmiRefused):  # the leg is gone, or its fuse burns down
            await self._pbx.action(
                "Setvar", Channel=channel, Variable="TIMEOUT(absolute)", Value=f"{BOT_FUSE_S:g}"
            )
