"""Desk commands for calls of virtual PBXs: what a vendor offers is asked of it, the rest said in a sentence.

Knows the vendors' contract and the live calls; no web. Whose call it is, the ledger says: a vendor's API does
what it is told for anybody.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager, suppress
from typing import Any
from weakref import WeakValueDictionary

import structlog

from cti.live import LiveCalls
from cti.operators.click_to_call import NotANumber
from cti.operators.controls import NoSuchCall, PbxSaysNo
from cti.operators.legs import By
from cti.virtual_pbx.contract import (
    CallBack,
    CallCommand,
    CommandLate,
    CommandRefused,
    HangUp,
    Method,
    NotOffered,
    Offer,
    StartRecording,
    Transfer,
    VirtualPbx,
)
from tickets.call import Call
from tickets.call_ids import vendor_of
from tickets.database import DatabaseTrouble
from tickets.vocabulary import CallState

log = structlog.get_logger()

SETTLE_S = 1.0
COMMAND_S = 10.0  # of a vendor's whole answer; whoever pressed the button waits
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_TOOLS = {
    Offer.HANG_UP: "hang_up",
    Offer.TRANSFER: "transfer",
    Offer.CONSULT: "consult",
    Offer.RECORD: "record",
}


class VirtualControls:
    """All connected virtual PBXs. Implements `VirtualCommands` and `CallsOut`. Used from one event loop."""

    def __init__(
        self,
        live: LiveCalls,
        places: Callable[[], Collection[str]],
        normalise: Callable[[str], str | None],
        *,
        settle_s: float = SETTLE_S,
    ) -> None:
        """
        Args:
            places: where a caller can be sent, extensions and queues.
            settle_s: how long the ledger may take for what the desk shows already.
        """
        self._settle_s = settle_s
        self._live, self._places, self._normalise = live, places, normalise
        self._vendors: dict[str, VirtualPbx[Any]] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def connect(self, vendors: dict[str, VirtualPbx[Any]]) -> None:
        """These are connected, by name."""
        self._vendors = vendors

    def has(self, call_id: str) -> bool:
        """See `VirtualCommands`."""
        return vendor_of(call_id) is not None

    def tools(self, call_id: str) -> tuple[str, ...] | None:
        """Names of the desk's tools that there are for a call; None: all, it is our Asterisk's."""
        name = vendor_of(call_id)
        if name is None:
            return None
        vendor = self._vendors.get(name)
        return tuple(tool for offer, tool in _TOOLS.items() if vendor and offer in vendor.offers)

    # --- what vendors may offer

    async def hang_up(self, call_id: str, who: By) -> None:
        """End the call. A phone that only rings is declined by hand: so the vendor's scheme goes on."""
        async with self._doing(call_id, who) as (vendor, _):
            await self._command(vendor, call_id, HangUp())

    async def transfer(self, call_id: str, who: By, to: str) -> None:
        """Send the caller on at once."""
        await self._send_on(call_id, who, to, Method.BLIND)

    async def consult(self, call_id: str, who: By, to: str) -> None:
        """Ring a colleague first. What then becomes of it, the operator does on the phone."""
        await self._send_on(call_id, who, to, Method.ATTENDED)

    async def start_recording(self, call_id: str, who: By) -> None:
        """Record from here on, where the vendor's scheme does not."""
        async with self._doing(call_id, who) as (vendor, call):
            await self._command(vendor, call_id, StartRecording(call.operator or ""))

    async def _send_on(self, call_id: str, who: By, to: str, method: Method) -> None:
        async with self._doing(call_id, who) as (vendor, call):
            operator = call.operator or ""
            if to not in self._places():
                raise PbxSaysNo(f"There is neither an operator nor a queue {to}.")
            if to == operator:
                raise PbxSaysNo("The caller is with this operator already.")
            await self._command(vendor, call_id, Transfer(to, operator, method))

    async def call_out(self, extension: str, number: str) -> str:
        """See `CallsOut`."""
        if not _E164.fullmatch(number) or self._normalise(number) != number:
            raise NotANumber(NotANumber.__doc__)
        offering = [vendor for vendor in self._vendors.values() if Offer.CALL_BACK in vendor.offers]
        if not offering:
            raise PbxSaysNo("Nothing here makes calls: dial on your phone.")
        if any(call.operator == extension and call.state is CallState.TALKING for call in self._live.calls()):
            raise PbxSaysNo("Your phone is in use: end that call first.")
        async with _said_in_words(offering[0]):
            await offering[0].call_back(CallBack(extension, number))
        return ""

    # --- what no vendor offers

    async def hold(self, call_id: str, who: By, on: bool) -> None:
        """Not offered, as all that follows."""
        raise PbxSaysNo(self._on_the_phone(call_id))

    async def complete(self, call_id: str, who: By) -> None:
        """Not offered."""
        raise PbxSaysNo(self._on_the_phone(call_id))

    async def return_to_caller(self, call_id: str, who: By) -> None:
        """Not offered."""
        raise PbxSaysNo(self._on_the_phone(call_id))

    async def conference(self, call_id: str, who: By, to: str) -> None:
        """Not offered."""
        raise PbxSaysNo(self._on_the_phone(call_id))

    async def send_dtmf(self, call_id: str, who: By, digits: str) -> None:
        """Not offered."""
        raise PbxSaysNo(self._on_the_phone(call_id))

    async def pause_recording(self, call_id: str, who: By, on: bool) -> None:
        """Not offered."""
        raise PbxSaysNo(f"{self._title(call_id)} cannot pause a recording.")

    async def listen(self, call_id: str, supervisor: str, mode: str) -> None:
        """Not offered."""
        raise PbxSaysNo(self._on_the_phone(call_id))

    async def take_over(self, call_id: str, supervisor: str) -> None:
        """Not offered."""
        raise PbxSaysNo(self._on_the_phone(call_id))

    # --- how

    def _title(self, call_id: str) -> str:
        vendor = self._vendors.get(vendor_of(call_id) or "")
        return vendor.title if vendor is not None else "The PBX of this call"

    def _on_the_phone(self, call_id: str) -> str:
        return f"{self._title(call_id)} does not do this for us: use the phone's own keys."

    @asynccontextmanager
    async def _doing(self, call_id: str, who: By) -> AsyncIterator[tuple[VirtualPbx[Any], Call]]:
        """One command at a time for each call, for who may command it."""
        vendor = self._vendors.get(vendor_of(call_id) or "")
        lock = self._locks.setdefault(call_id, asyncio.Lock())
        async with lock:
            call = await self._settled(call_id, who)
            if vendor is None or call is None or not _is_theirs(call, who):
                raise NoSuchCall("This call is not on your phone, or it is over.")
            if call.state is not CallState.TALKING:
                raise PbxSaysNo("No operator has this caller.")
            yield vendor, call

    async def _settled(self, call_id: str, who: By) -> Call | None:
        """The call as the ledger has it. The desk shows an answer before that is committed: so a button that
        is pressed at once has to wait for it.
        """
        with self._live.subscribe() as news, suppress(TimeoutError):
            async with asyncio.timeout(self._settle_s):
                while not _can_be_commanded(self._live.call(call_id), who):
                    await news.next()
        return self._live.call(call_id)

    async def _command(self, vendor: VirtualPbx[Any], call_id: str, command: CallCommand) -> None:
        async with _said_in_words(vendor):
            await vendor.command(command, await vendor.house.facts(call_id))


def _is_theirs(call: Call, who: By) -> bool:
    return who.anybodys or call.operator == who.extension


def _can_be_commanded(call: Call | None, who: By) -> bool:
    return call is not None and call.state is CallState.TALKING and _is_theirs(call, who)


@asynccontextmanager
async def _said_in_words(vendor: VirtualPbx[Any]) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(COMMAND_S):
            yield
    except NotOffered as error:
        raise PbxSaysNo(str(error)) from error
    except CommandRefused as error:
        own = f' {vendor.title} says: "{error.words}"' if error.words else ""
        raise PbxSaysNo(f"{error}{own}") from error
    except (CommandLate, TimeoutError) as error:
        sentence = str(error) or f"{vendor.title} did not answer in time."
        raise PbxSaysNo(f"{sentence} Look whether it was done, before you try again.") from error
    except DatabaseTrouble as error:
        raise PbxSaysNo("The database cannot be asked now: use the phone's own keys.") from error
