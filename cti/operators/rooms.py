"""Nobody is left alone in a call's room: the net below the dialplan's own (`presszero-left`).

A caller is there with their music while an operator's phone has the call at its desk. Whom the PBX shows
there without one, twice and `ALONE_S` apart, goes back to the operators. Asks nothing while nothing happens,
and trusts no memory: each look is at the PBX as it is. Knows AMI and the places; no ledger and no web.
"""

import asyncio
from collections.abc import Iterable, Sequence

import structlog

from cti.asterisk.ami import AmiCut, AmiLate, AmiRefused, BadAmiValue
from cti.asterisk.events import AmiEvent, HungUp, ListedChannel, StageReached
from cti.asterisk.translate import CALL_CONTEXT
from cti.operators.controls import CommandsPbx
from cti.operators.legs import DESK_CONTEXT, ROOM

log = structlog.get_logger()

ALONE_S = 3.0  # longer than a phone or a caller needs from one place to the other
FORSAKEN = "forsaken"  # the place of our dialplan


class RoomKeeper:
    """One per PBX. The link's deadlines hold for each action."""

    def __init__(self, pbx: CommandsPbx, alone_s: float = ALONE_S) -> None:
        self._pbx, self._alone_s = pbx, alone_s
        self._rooms: set[str] = set()  # calls that are in one, as far as was heard
        self._news = asyncio.Event()

    def hear(self, events: Iterable[AmiEvent]) -> None:
        """Take what AMI tells: a room opens, or a channel ends that may have been the last phone."""
        for event in events:
            if isinstance(event, StageReached) and event.stage == ROOM:
                self._rooms.add(event.call_id)
                self._news.set()
            elif isinstance(event, HungUp) and self._rooms:
                self._rooms.discard(event.uniqueid)
                self._news.set()

    def wake(self) -> None:
        """The link is up again: there may be rooms since before anybody listened."""
        self._news.set()

    async def run(self) -> None:
        """Keep looking until cancelled; at most once in `alone_s`."""
        suspects: set[str] = set()
        while True:
            if not suspects:
                await self._news.wait()
            self._news.clear()
            try:
                suspects = await self._look(suspects)
            except AmiCut:
                suspects = set()  # the next link wakes us
            except (AmiLate, AmiRefused) as error:
                log.warning("The PBX's rooms are not known.", action="rooms_unknown", reason=str(error))
                self._news.set()
            await asyncio.sleep(self._alone_s)

    async def _look(self, suspects: set[str]) -> set[str]:
        """Send on who is still alone; the calls whose caller is alone now."""
        listed = await self._pbx.list_action("CoreShowChannels")
        channels = [one for one in listed if isinstance(one, ListedChannel)]
        callers = [one for one in channels if (one.context, one.exten) == (CALL_CONTEXT, ROOM)]
        self._rooms = {one.uniqueid for one in callers}
        alone = [one for one in callers if not _has_company(one, channels)]
        if not alone:
            return set()
        desks = {await self._desk(one) for one in channels if one.context == DESK_CONTEXT}
        left = [one for one in alone if one.uniqueid not in desks]
        for caller in left:
            if caller.uniqueid in suspects:
                await self._send_back(caller)
        return {one.uniqueid for one in left}

    async def _desk(self, phone: ListedChannel) -> str:
        """The call that this phone has; empty: none, or the phone is gone meanwhile."""
        try:
            reply = await self._pbx.action("Getvar", Channel=phone.channel, Variable="PZ_DESK")
        except (AmiRefused, BadAmiValue):
            return ""
        return reply.fields.get("value", "")

    async def _send_back(self, caller: ListedChannel) -> None:
        log.warning("A caller was alone in a room.", action="room_forsaken", call_id=caller.uniqueid)
        try:
            await self._pbx.action(
                "Redirect", Channel=caller.channel, Context=CALL_CONTEXT, Exten=FORSAKEN, Priority="1"
            )
        except (AmiRefused, BadAmiValue) as error:  # gone, as the next look will tell
            log.info("They could not be sent on.", action="room_not_left", reason=str(error))


def _has_company(caller: ListedChannel, channels: Sequence[ListedChannel]) -> bool:
    return bool(caller.bridge) and any(
        one.bridge == caller.bridge and one.uniqueid != caller.uniqueid for one in channels
    )
