"""Which PBX a command goes to: each call is of our Asterisk, or of a virtual PBX.

Both sides command in the same words; what one of them cannot do, it says.
"""

from typing import Protocol

from cti.operators.legs import By


class CommandsCalls(Protocol):
    """What can be done with a call under way. All raise `NoSuchCall` and `PbxSaysNo`, whose messages are for
    people; see `CallControls`.
    """

    async def hang_up(self, call_id: str, who: By) -> None: ...
    async def hold(self, call_id: str, who: By, on: bool) -> None: ...
    async def transfer(self, call_id: str, who: By, to: str) -> None: ...
    async def consult(self, call_id: str, who: By, to: str) -> None: ...
    async def complete(self, call_id: str, who: By) -> None: ...
    async def return_to_caller(self, call_id: str, who: By) -> None: ...
    async def conference(self, call_id: str, who: By, to: str) -> None: ...
    async def send_dtmf(self, call_id: str, who: By, digits: str) -> None: ...
    async def start_recording(self, call_id: str, who: By) -> None: ...
    async def pause_recording(self, call_id: str, who: By, on: bool) -> None: ...
    async def listen(self, call_id: str, supervisor: str, mode: str) -> None: ...
    async def take_over(self, call_id: str, supervisor: str) -> None: ...


class CallsOut(Protocol):
    """Calls at a click. Raises `NotANumber` and `PbxSaysNo`."""

    async def call_out(self, extension: str, number: str) -> str:
        """Ring the operator, and then that number; the id of the call, empty where only the PBX knows it."""
        ...


class VirtualCommands(CommandsCalls, Protocol):
    """A virtual PBX's side."""

    def has(self, call_id: str) -> bool:
        """Whether it is a call of theirs."""
        ...


class EitherPbx:
    """Commands for calls of both. Implements `CommandsCalls`."""

    def __init__(self, asterisk: CommandsCalls, virtual: VirtualCommands) -> None:
        self._asterisk, self._virtual = asterisk, virtual

    def _of(self, call_id: str) -> CommandsCalls:
        return self._virtual if self._virtual.has(call_id) else self._asterisk

    async def hang_up(self, call_id: str, who: By) -> None:
        """See `CallControls`, as all here."""
        await self._of(call_id).hang_up(call_id, who)

    async def hold(self, call_id: str, who: By, on: bool) -> None:
        """See `CallControls`."""
        await self._of(call_id).hold(call_id, who, on)

    async def transfer(self, call_id: str, who: By, to: str) -> None:
        """See `CallControls`."""
        await self._of(call_id).transfer(call_id, who, to)

    async def consult(self, call_id: str, who: By, to: str) -> None:
        """See `CallControls`."""
        await self._of(call_id).consult(call_id, who, to)

    async def complete(self, call_id: str, who: By) -> None:
        """See `CallControls`."""
        await self._of(call_id).complete(call_id, who)

    async def return_to_caller(self, call_id: str, who: By) -> None:
        """See `CallControls`."""
        await self._of(call_id).return_to_caller(call_id, who)

    async def conference(self, call_id: str, who: By, to: str) -> None:
        """See `CallControls`."""
        await self._of(call_id).conference(call_id, who, to)

    async def send_dtmf(self, call_id: str, who: By, digits: str) -> None:
        """See `CallControls`."""
        await self._of(call_id).send_dtmf(call_id, who, digits)

    async def start_recording(self, call_id: str, who: By) -> None:
        """See `CallControls`."""
        await self._of(call_id).start_recording(call_id, who)

    async def pause_recording(self, call_id: str, who: By, on: bool) -> None:
        """See `CallControls`."""
        await self._of(call_id).pause_recording(call_id, who, on)

    async def listen(self, call_id: str, supervisor: str, mode: str) -> None:
        """See `CallControls`."""
        await self._of(call_id).listen(call_id, supervisor, mode)

    async def take_over(self, call_id: str, supervisor: str) -> None:
        """See `CallControls`."""
        await self._of(call_id).take_over(call_id, supervisor)
