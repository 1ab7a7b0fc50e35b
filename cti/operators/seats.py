"""The operators' seats in the PBX's queues: which phone is rung, who counts as busy, what was dialled there.

For the keeper of presence. Knows AMI's actions and the picture of the queues; others remember what operators
want to be.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from cti.asterisk.ami import AmiRefused, AmiReply, BadAmiValue
from cti.asterisk.events import QueueSeat
from cti.operators.presence import WEB, is_busy, pause_of
from cti.waiting.queues import QueuePicture
from tickets.presence import OperatorState

log = structlog.get_logger()

LONG_OVER = timedelta(seconds=60)  # then the dialplan ends a wrap-up; the PBX may have another clock


class TellsPbx(Protocol):
    """The part of `AmiLink` that is needed here; its own deadline holds."""

    async def action(self, name: str, /, **fields: str) -> AmiReply: ...


class SeesQueues(Protocol):
    """The part of `QueueWatch` that is needed here."""

    picture: QueuePicture | None

    async def next(self) -> QueuePicture | None: ...

    def wake(self) -> None: ...


class Seats:
    """What the PBX says of operators' phones, and what it is told."""

    def __init__(self, pbx: TellsPbx, watch: SeesQueues, clock: Callable[[], datetime]) -> None:
        self._pbx, self._watch, self._clock = pbx, watch, clock
        self._told_at: dict[str, datetime] = {}  # an older picture does not show it yet

    def of(self, extension: str) -> list[QueueSeat]:
        """All seats of an operator, in all queues and of both phones; none while the PBX cannot be asked."""
        return [seat for seat in self._all() if seat.operator == extension]

    def phones(self) -> dict[str, str]:
        """Every phone that has a seat: interface → extension."""
        return {seat.interface: seat.operator for seat in self._all()}

    def is_there(self, extension: str) -> bool:
        """Whether the PBX would ring a phone of this operator."""
        return any(seat.there for seat in self.of(extension))

    def own_is_registered(self, extension: str) -> bool:
        """Whether an operator has a phone of their own at hand."""
        return any(seat.registered and not seat.interface.endswith(WEB) for seat in self.of(extension))

    def out_of_step(self, states: Mapping[str, OperatorState]) -> set[str]:
        """Operators whose phones are paused, or not, in another way than they want."""
        picture = self._watch.picture
        if picture is None:
            return set()
        return {
            seat.operator
            for seat in picture.seats
            if (state := states.get(seat.operator)) is not None
            and seat.paused is (pause_of(state, seat.interface) is None)
            and (seat.operator not in self._told_at or self._told_at[seat.operator] < picture.at)
        }

    async def tell(self, state: OperatorState) -> bool:
        """Make both phones of an operator what the operator is; False: they have no seat that we know of.

        Raises:
            AmiCut, AmiLate: to be repeated.
        """
        interfaces = sorted({seat.interface for seat in self.of(state.extension)})
        if is_busy(state) and state.until is not None:
            over = str(int((state.until + LONG_OVER).timestamp()))
            for one in interfaces:
                await self._act("Setvar", Variable=_global("PZ_BUSY", one), Value=over)
        for one in interfaces:
            await self._act("Setvar", Variable=_device(one), Value="INUSE" if is_busy(state) else "INVALID")
        for one in interfaces:
            reason = pause_of(state, one)
            paused = {"Paused": "false"} if reason is None else {"Paused": "true", "Reason": reason}
            await self._act("QueuePause", Interface=one, **paused)
        if not interfaces:
            return False
        self._told_at[state.extension] = self._clock()
        self._watch.wake()
        return True

    async def dialled_on(self, interface: str) -> str:
        """The feature code's word that the dialplan keeps of a phone; empty: none since it was taken.

        Raises:
            AmiCut, AmiLate
        """
        try:
            answer = await self._pbx.action("Getvar", Variable=_dialled(interface))
        except (AmiRefused, BadAmiValue):  # nobody has ever dialled there, or it is a phone of another kind
            return ""
        return answer.fields.get("value", "")

    async def take_dialled(self, interface: str) -> None:
        """The word was taken.

        Raises:
            AmiCut, AmiLate
        """
        await self._act("Setvar", Variable=_dialled(interface), Value="")

    def _all(self) -> tuple[QueueSeat, ...]:
        picture = self._watch.picture
        return picture.seats if picture is not None else ()

    async def _act(self, name: str, **fields: str) -> None:
        try:
            await self._pbx.action(name, **fields)
        except (AmiRefused, BadAmiValue) as error:  # again would be refused again
            log.warning("The PBX refuses.", action="presence_refused", asked=name, reason=str(error))


def _device(interface: str) -> str:
    """What the seat's hint knows besides the phone itself."""
    return f"DEVICE_STATE(Custom:presszero-{interface.partition('/')[2]})"


def _dialled(interface: str) -> str:
    """Where the dialplan leaves what was dialled on a phone."""
    return _global("PZ_PRESENCE", interface)


def _global(name: str, interface: str) -> str:
    """A phone's own variable in the dialplan."""
    seat = "".join(sign for sign in interface.partition("/")[2] if sign.isalnum())
    return f"{name}_{seat}"
