"""Calls that operators make at a click: their own phone rings first, then the other side.

The call's id is made before the PBX is asked; the PBX makes the far end's channel under it when the operator
has the phone in the hand. Knows AMI and our dialplan's `presszero-desk` and `presszero-called`; no web.
"""

import asyncio
import contextlib
import re
import secrets
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from datetime import datetime

import structlog

from cti.asterisk.ami import AmiCut, AmiLate, AmiRefused, BadAmiValue
from cti.asterisk.events import AmiEvent, HungUp, ListedChannel, Originated, StageReached, phone_of
from cti.operators.controls import CommandsPbx, PbxSaysNo
from cti.operators.legs import DESK_CONTEXT
from tickets.dialled import dialled_id

log = structlog.get_logger()

CALLED_CONTEXT = "presszero-called"  # of our dialplan: where the person is brought who answers
RING_S = 45  # the other side's phone; less than the operator's phone waits (`dial` in the dialplan)
OWN_RING_S = 25
_PHONE = "desk-"
"""Before a call's id: that of the operator's channel. Behind it, Asterisk would take both for the same."""
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_LINE = re.compile(r"\+?[0-9]{2,15}")
_ENDPOINT = re.compile(r"[0-9A-Za-z_.-]{1,64}")


class NotANumber(ValueError):
    """No number that can be called: write it with + and the country's code."""


@dataclass(frozen=True, slots=True)
class _Dialling:
    extension: str
    number: str
    phone_id: str  # Uniqueid of the operator's channel


class ClickToCall:
    """One per PBX."""

    def __init__(
        self,
        pbx: CommandsPbx,
        interface_of: Callable[[str], str],
        normalise: Callable[[str], str | None],
        line: str,
        clock: Callable[[], datetime],
    ) -> None:
        """
        Args:
            pbx: the AMI link.
            interface_of: extension → the phone that the operator has chosen, PJSIP/101.
            normalise: E.164 of a valid number, else None.
            line: of ours, that the other side sees calling.
            clock: now, aware.
        """
        self._pbx, self._interface_of, self._normalise = pbx, interface_of, normalise
        self._line, self._clock = line, clock
        self._dialling: dict[str, _Dialling] = {}  # by call id: until the other side answers, or not
        self._tasks: set[asyncio.Task[None]] = set()

    async def call_out(self, extension: str, number: str) -> str:
        """Ring the operator's phone, and then that number; the id that the call will have.

        Raises:
            NotANumber: nothing was rung.
            PbxSaysNo: the phone is in use, or the PBX cannot call.
        """
        # Only whole international numbers: no short number of an emergency or a service is ever dialled.
        if not _E164.fullmatch(number) or self._normalise(number) != number:
            raise NotANumber(NotANumber.__doc__)
        try:
            channels = await self._pbx.list_action("CoreShowChannels")
            if any(isinstance(one, ListedChannel) and phone_of(one.channel) == extension for one in channels):
                raise PbxSaysNo("Your phone is in use: end that call first.")
            system = (await self._pbx.action("CoreSettings")).fields.get("systemname", "")
            call_id = dialled_id(system, self._clock(), secrets.randbits(60))
            phone_id = f"{_PHONE}{call_id}"
            self._dialling[call_id] = _Dialling(extension, number, phone_id)
            await self._pbx.action(
                "Originate",
                Channel=self._interface_of(extension),
                ChannelId=phone_id,
                Context=DESK_CONTEXT,
                Exten="dial",
                Priority="1",
                CallerID=number,
                Timeout=str(OWN_RING_S * 1000),
                Variable=[f"__PZ_DESK={call_id}", f"__PZ_ME={extension}"],
                Async="true",
            )
        except (AmiRefused, BadAmiValue) as error:
            raise PbxSaysNo(f"The PBX did not do it: {error}") from error
        except (AmiCut, AmiLate) as error:
            raise PbxSaysNo(f"The PBX cannot be asked now. {error}") from error
        return call_id

    def hear(self, events: Iterable[AmiEvent]) -> None:
        """Take what AMI tells."""
        for event in events:
            if isinstance(event, StageReached) and event.stage == "dial":
                if (dialling := self._dialling.get(event.call_id)) is not None:
                    self._do(self._ring_other_side(event.call_id, dialling))
            elif isinstance(event, StageReached) and event.stage == "called":
                self._dialling.pop(event.call_id, None)
            elif isinstance(event, HungUp) or (isinstance(event, Originated) and not event.answered):
                self._gone(event.uniqueid)

    def _gone(self, uniqueid: str) -> None:
        """A channel, or it was never made (a phone that is not signed in): of a call that is being made, or
        none.
        """
        if (dialling := self._dialling.pop(uniqueid, None)) is not None:
            self._do(self._unreached(dialling))
        call_id = uniqueid.removeprefix(_PHONE)
        if call_id != uniqueid and self._dialling.pop(call_id, None) is not None:
            self._do(self._stop_ringing(call_id))

    def _do(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ring_other_side(self, call_id: str, dialling: _Dialling) -> None:
        try:
            trunk = (await self._pbx.action("Getvar", Variable="PZ_TRUNK")).fields.get("value", "")
            if not _LINE.fullmatch(self._line) or not _ENDPOINT.fullmatch(trunk):
                raise AmiRefused("the line or the PBX's PZ_TRUNK cannot be dialled")  # noqa: TRY301
            await self._pbx.action(
                "Originate",
                Channel=f"PJSIP/{dialling.number}@{trunk}",
                ChannelId=call_id,
                Context=CALLED_CONTEXT,
                Exten="s",
                Priority="1",
                CallerID=self._line,
                Timeout=str(RING_S * 1000),
                Variable=[
                    f"PZ_NUMBER={dialling.number}",
                    f"PZ_LINE={self._line}",
                    f"PZ_PHONE={dialling.phone_id}",
                ],
                Async="true",
            )
        except (AmiRefused, BadAmiValue, AmiCut, AmiLate) as error:
            log.warning(
                "The PBX does not call.", action="call_out_failed", call_id=call_id, reason=str(error)
            )
            self._dialling.pop(call_id, None)
            await self._unreached(dialling)

    async def _unreached(self, dialling: _Dialling) -> None:
        """The operator hears that nobody answers."""
        with contextlib.suppress(AmiRefused, AmiCut, AmiLate):  # the phone is down, or will be
            await self._pbx.action(
                "Redirect",
                Channel=dialling.phone_id,
                Context=DESK_CONTEXT,
                Exten="unreached",
                Priority="1",
            )

    async def _stop_ringing(self, call_id: str) -> None:
        with contextlib.suppress(AmiRefused, AmiCut, AmiLate):  # it was never rung, or has just answered
            await self._pbx.action("Hangup", Channel=call_id)
