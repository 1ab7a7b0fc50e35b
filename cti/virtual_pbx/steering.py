"""Who calls through a virtual PBX, and who of them does not follow its scheme.

A caller who is known is told of in the ledger, once a call. VIPs, and where the settings say so other
customers, are sent where the settings name: by a command while they wait, or in the answer to a vendor that
asks. It is an improvement on the vendor's scheme and never more: what is late, refused, beyond the limit or
in a surge is left to the scheme, and the scheme takes a caller back whom nobody answers.

Knows the contract and the ledger's events; no vendor and no HTTP.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

import structlog

from cti.virtual_pbx.contract import (
    CommandLate,
    CommandRefused,
    NotOffered,
    Offer,
    Route,
    Steered,
    VirtualPbx,
)
from cti.virtual_pbx.mishaps import place_of
from cti.virtual_pbx.pace import Pace
from cti.virtual_pbx.settings import ConnectionSettings
from ivr.reception import KnownCaller
from tickets.call import Call
from tickets.call_ids import vendor_of
from tickets.database import DatabaseTrouble
from tickets.events import CallEvent, Publish
from tickets.vocabulary import Direction, EventKind, HandOver

log = structlog.get_logger()

EVERY_S = 2.0  # between two routes of a vendor, which locks the door if it is asked more often
REMEMBERED = 5_000  # calls
STALE = timedelta(seconds=30)  # what is told so late is no caller who waits now
LOOK_UP_S = 0.3  # for the operator of last time
_WAITS = frozenset({EventKind.MENU_ENTERED, EventKind.QUEUE_JOINED})
_REASONS = {"vip": HandOver.VIP, "known": HandOver.KNOWN}


T = TypeVar("T")


def where_to(
    settings: ConnectionSettings, caller: KnownCaller | None, last_operator: str | None
) -> Steered | None:
    """Where this caller is to go; None: by the vendor's scheme. Pure."""
    if caller is None:
        return None
    levels = [level for level in settings.vip_to if 0 < level <= caller.vip_level]
    if levels:
        return Steered(settings.vip_to[max(levels)], "vip")
    if settings.known_to == "last_operator" and caller.vip_level == 0 and last_operator:
        return Steered(last_operator, "known")
    return None


class Steering:
    """One for all virtual PBXs. Used from one event loop."""

    def __init__(
        self,
        vendors: Callable[[], Mapping[str, VirtualPbx[Any]]],
        find: Callable[[str], Awaitable[KnownCaller | None]],
        last_operator: Callable[[int], Awaitable[str | None]],
        free: Callable[[str], bool],
        live: Callable[[str], Call | None],
        in_surge: Callable[[], bool],
        publish: Publish,
        clock: Callable[[], datetime],
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            vendors: those that are connected, by name.
            find: who calls by the number as it came; has a deadline, never raises.
            last_operator: by customer, who talked with them last.
            free: whether an operator (extension) takes calls and has none.
            live: a call under way.
            in_surge: then nobody is steered.
        """
        self._vendors, self._find, self._last_operator = vendors, find, last_operator
        self._free, self._live, self._in_surge = free, live, in_surge
        self._publish, self._clock, self._seconds = publish, clock, seconds
        self._callers: OrderedDict[str, asyncio.Task[KnownCaller | None]] = OrderedDict()
        self._numbers: OrderedDict[str, str] = OrderedDict()  # by call, as it was told
        self._told: OrderedDict[str, None] = OrderedDict()  # calls whose caller is told of
        self._decided: OrderedDict[str, Steered | None] = OrderedDict()  # calls that were looked at
        self._paces: dict[str, Pace] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    # --- what is told of calls

    def hear(self, event: CallEvent) -> None:
        """Something happens to a call. Only virtual PBXs' calls of this moment matter."""
        if vendor_of(event.call_id) is None or self._clock() - event.at > STALE:
            return
        if event.kind is EventKind.CUSTOMER_FOUND:
            _remember(self._told, event.call_id, None)
        elif event.kind is EventKind.RECEIVED:
            inward = event.data.get("direction") == Direction.INBOUND.value
            if inward and (number := str(event.data.get("caller") or event.data.get("caller_raw") or "")):
                _remember(self._numbers, event.call_id, number)
                self._do(self._meet(event.call_id, number))
        elif event.kind in _WAITS:
            self._do(self._consider(event.call_id))

    async def _meet(self, call_id: str, number: str) -> None:
        await self.who_calls(call_id, number)

    async def who_calls(self, call_id: str, number: str) -> KnownCaller | None:
        """Asked once a call, and told of once; see `House.caller`."""
        asked = self._callers.get(call_id)
        if asked is None:
            asked = asyncio.create_task(self._ask(call_id, number))
            _remember(self._callers, call_id, asked)
        return await asyncio.shield(asked)

    async def _ask(self, call_id: str, number: str) -> KnownCaller | None:
        caller = await self._find(number)
        if caller is not None and call_id not in self._told:
            found = {"customer_id": caller.customer_id, "vip_level": caller.vip_level}
            self._tell(call_id, EventKind.CUSTOMER_FOUND, found)
        return caller

    # --- where they go

    async def answer(self, settings: ConnectionSettings, call_id: str, number: str) -> Steered | None:
        """For a vendor that asks where a call is to go; see `House.steer`."""
        if not number or not self._may_decide(settings, call_id):
            return self._decided.get(call_id)  # who asks twice did not get the first answer
        steered = self._decided[call_id] = await self._decision(settings, call_id, number)
        if steered is not None:
            self._note(call_id, steered)
        return steered

    async def _consider(self, call_id: str) -> None:
        """Somebody waits in a vendor's menu or queue."""
        name = vendor_of(call_id) or ""
        vendor, call = self._vendors().get(name), self._live(call_id)
        number = self._numbers.get(call_id) or (call.caller or call.caller_raw if call is not None else "")
        if vendor is None or Offer.ROUTE not in vendor.offers or not number:
            return
        if not self._may_decide(vendor.settings, call_id):
            return
        steered = await self._decision(vendor.settings, call_id, number)
        if steered is None:
            return
        if self._paces.setdefault(name, Pace(1, EVERY_S)).take(self._seconds()):
            self._decided.pop(call_id, None)  # whoever comes from the menu into the queue is looked at again
            log.info("A caller is left to the scheme.", action="steering_limit", call_id=call_id)
            return
        try:
            await vendor.command(Route(steered.to), await vendor.house.facts(call_id))
        except (NotOffered, CommandRefused, CommandLate) as error:
            reason = type(error).__name__
            log.warning("A caller was not routed.", action="steering_failed", call_id=call_id, reason=reason)
            return
        self._note(call_id, steered)

    def _may_decide(self, settings: ConnectionSettings, call_id: str) -> bool:
        """Once a call, never in a surge, and only where the settings want it."""
        if not settings.vip_to and not settings.known_to:
            return False
        if self._in_surge() or call_id in self._decided:
            return False
        _remember(self._decided, call_id, None)
        return True

    async def _decision(self, settings: ConnectionSettings, call_id: str, number: str) -> Steered | None:
        caller = await self.who_calls(call_id, number)
        last = None
        if settings.known_to and caller is not None and caller.customer_id is not None:
            last = await self._free_operator_of(caller.customer_id)
        return where_to(settings, caller, last)

    async def _free_operator_of(self, customer_id: int) -> str | None:
        try:
            async with asyncio.timeout(LOOK_UP_S):
                operator = await self._last_operator(customer_id)
        except (TimeoutError, DatabaseTrouble):
            return None
        return operator if operator is not None and self._free(operator) else None

    def _note(self, call_id: str, steered: Steered) -> None:
        self._tell(call_id, EventKind.HANDED_OVER, {"reason": _REASONS[steered.why].value, "to": steered.to})

    def _tell(self, call_id: str, kind: EventKind, data: Mapping[str, Any]) -> None:
        self._publish(CallEvent("steering", f"{kind}:{call_id}", call_id, self._clock(), kind, data))

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(_safely(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _remember(memory: OrderedDict[str, T], call_id: str, what: T) -> None:
    memory[call_id] = what
    while len(memory) > REMEMBERED:
        memory.popitem(last=False)


async def _safely(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except DatabaseTrouble as trouble:
        log.warning("A caller is left to the scheme.", action="steering_failed", reason=str(trouble))
    except Exception as error:  # a mistake of ours must cost no caller anything
        log.error("A caller is left to the scheme.", action="steering_failed", **place_of(error))  # noqa: TRY400
