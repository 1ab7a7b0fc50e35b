"""Our link to Asterisk's manager interface: always being there again, never waiting without a deadline.

Knows AMI's login, ping and actions; not what events mean for a call (`translate.py`). panoramisk stays behind
`ami_protocol.py`. Asterisk replays nothing: what was missed while the link was down is the reconciler's task,
whom `on_up` calls after each login.
"""

import asyncio
import random
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

import structlog
from panoramisk.message import Message

from cti.asterisk import events
from cti.asterisk.ami_protocol import AmiCut, BadAmiValue, GuardedProtocol, NotAmi, Value
from cti.asterisk.events import AmiEvent, Headers

__all__ = [
    "AmiCut",
    "AmiLate",
    "AmiLink",
    "AmiLoginRefused",
    "AmiRefused",
    "AmiReply",
    "AmiUnreachable",
    "BadAmiValue",
]

log = structlog.get_logger()

_DROP_UNSENT = struct.pack("ii", 1, 0)  # when closed, and also when killed


class AmiUnreachable(ConnectionError):
    """Nobody answers at the AMI's address, or no Asterisk does."""


class AmiLoginRefused(Exception):
    """Asterisk does not know our AMI user or secret."""


class AmiLate(TimeoutError):
    """Asterisk did not answer an action in time: it may or may not have been done."""


class AmiRefused(Exception):
    """Asterisk answered an action with an error; the message is Asterisk's own."""


@dataclass(frozen=True, slots=True)
class AmiReply:
    """Asterisk's answer to an action."""

    message: str
    fields: Mapping[str, str]  # header in lower case → value


class AmiLink:
    """The AMI link. `run()` keeps it up; `connected` and `trouble` tell how it is."""

    def __init__(
        self,
        host: str,
        port: int,
        username: str,
        secret: str,
        on_events: Callable[[list[AmiEvent]], None],
        *,
        on_up: Callable[[], None] = lambda: None,
        connect_within_s: float = 3.0,
        action_within_s: float = 3.0,
        ping_every_s: float = 5.0,
        pong_within_s: float = 3.0,
        retry_first_s: float = 0.2,
        retry_most_s: float = 5.0,
    ) -> None:
        """`on_events` gets the events of one read from the socket, in order; neither callable may block."""
        self._host, self._port = host, port
        self._username, self._secret = username, secret
        self._on_events, self._on_up = on_events, on_up
        self._connect_within_s = connect_within_s
        self._action_within_s = action_within_s
        self._ping_every_s, self._pong_within_s = ping_every_s, pong_within_s
        self._retry_first_s, self._retry_most_s = retry_first_s, retry_most_s
        self._protocol: GuardedProtocol | None = None
        self._down = asyncio.Event()
        self._running_number = count(1)
        self.connected = False  # logged in, and as far as the last ping knows alive
        self.trouble: str | None = "not connected yet"  # why it is not connected, in a sentence

    async def connect(self) -> None:
        """Connect and log in, once.

        Raises:
            AmiUnreachable: nobody answers there; `run()` will go on trying.
            AmiLoginRefused: wrong user or secret; the message says what to do.
        """
        if self.connected:
            return
        try:
            self._protocol = await self._greet()
            await self._login(self._protocol)
        except (AmiUnreachable, AmiLoginRefused) as error:
            self._drop(str(error))
            raise
        self.connected, self.trouble = True, None
        self._down.clear()
        log.info("The PBX is on the line.", action="ami_up", version=self._protocol.version)
        self._on_up()

    async def run(self) -> None:
        """Keep the link up until cancelled: connect, watch, connect again with growing pauses."""
        pause_s = self._retry_first_s
        try:
            while True:
                try:
                    await self.connect()
                except (AmiUnreachable, AmiLoginRefused) as error:
                    log.warning(str(error), action="ami_down", retry_in_s=round(pause_s, 2))
                    # Several nodes must not come back in step.
                    await asyncio.sleep(pause_s * random.uniform(0.75, 1.25))  # noqa: S311  # no secret
                    pause_s = min(pause_s * 2, self._retry_most_s)
                    continue
                pause_s = self._retry_first_s
                await self._watch()
        finally:
            self.connected = False  # so that nobody is warned of what is meant
            self._drop("the link was closed")

    async def action(self, name: str, /, **fields: Value) -> AmiReply:
        """Ask Asterisk to do something; it is sent once, never again by itself.

        Fields are AMI headers; a sequence of texts repeats its header.

        Raises:
            AmiRefused: Asterisk says no.
            AmiLate: no answer within the deadline.
            AmiCut: the link is or went down.
            BadAmiValue: a value may not go on the wire.
        """
        return _reply((await self._ask(self._up(name), name, fields, self._action_within_s))[0])

    async def list_action(self, name: str, /, **fields: Value) -> list[AmiEvent]:
        """Ask for a list (CoreShowChannels, QueueStatus): the items that we have a type for.

        Raises:
            As `action`.
        """
        first, *items = await self._ask(self._up(name), name, fields, self._action_within_s, as_list=True)
        _reply(first)
        return self._typed(items)

    async def _greet(self) -> GuardedProtocol:
        try:
            async with asyncio.timeout(self._connect_within_s):
                transport, protocol = await asyncio.get_running_loop().create_connection(
                    lambda: GuardedProtocol(frozenset(events.LIVE), self._take, self._lost),
                    self._host,
                    self._port,
                )
                # Else the system goes on sending for minutes what we, or who came after us, gave up for lost.
                transport.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, _DROP_UNSENT
                )
                try:
                    await protocol.greeted
                except BaseException:
                    protocol.cut()
                    raise
        except NotAmi as error:
            raise AmiUnreachable(f"What answers at {self._host}:{self._port} is no AMI. {error}") from error
        except (OSError, TimeoutError) as error:
            raise AmiUnreachable(
                f"No PBX answers AMI at {self._host}:{self._port}: start it (`presszero pbx up`), or correct "
                "PRESSZERO_AMI_HOST and PRESSZERO_AMI_PORT."
            ) from error
        return protocol

    async def _login(self, protocol: GuardedProtocol) -> None:
        fields = {"Username": self._username, "Secret": self._secret, "Events": "on"}
        try:
            _reply((await self._ask(protocol, "Login", fields, self._action_within_s))[0])
        except AmiRefused as error:
            raise AmiLoginRefused(
                f"The PBX refuses the AMI user {self._username!r}: make PRESSZERO_AMI_USERNAME and "
                "PRESSZERO_AMI_SECRET the same as in the PBX's manager.conf."
            ) from error
        except BadAmiValue as error:
            raise AmiLoginRefused(
                "PRESSZERO_AMI_USERNAME or PRESSZERO_AMI_SECRET holds a control character or is too long: "
                "give it the one line that stands in the PBX's manager.conf."
            ) from error
        except (AmiLate, AmiCut) as error:
            raise AmiUnreachable(
                f"The PBX at {self._host}:{self._port} takes AMI connections but does not answer the login: "
                "look whether it hangs, and whether manager.conf permits this address."
            ) from error

    async def _watch(self) -> None:
        """Ping until the link is lost. A mute link looks open for ever: without a pong in time it is cut."""
        while (protocol := self._protocol) is not None:
            try:
                async with asyncio.timeout(self._ping_every_s):
                    await self._down.wait()
            except TimeoutError:
                try:
                    await self._ask(protocol, "Ping", {}, self._pong_within_s)
                except AmiLate:
                    self._drop("the PBX does not answer pings")
                except AmiCut:
                    self._drop("the PBX closed the connection")

    def _up(self, action: str) -> GuardedProtocol:
        if self._protocol is None or not self.connected:
            raise AmiCut(f"There is no AMI link: {action} was not sent.")
        return self._protocol

    async def _ask(
        self,
        protocol: GuardedProtocol,
        name: str,
        fields: Mapping[str, Value],
        within_s: float,
        *,
        as_list: bool = False,
    ) -> list[Message]:
        action = protocol.ask(name, fields, as_list=as_list)
        try:
            async with asyncio.timeout(within_s):
                reply = await action.future
        except TimeoutError as error:
            raise AmiLate(
                f"The PBX did not answer {name} within {within_s:g} s: it may or may not have done it."
            ) from error
        finally:
            protocol.forget(action)
        return reply if isinstance(reply, list) else [reply]

    def _take(self, messages: Sequence[Headers]) -> None:
        if typed := self._typed(messages):
            self._on_events(typed)

    def _typed(self, messages: Sequence[Headers]) -> list[AmiEvent]:
        now = datetime.now(UTC)
        typed = []
        for message in messages:
            try:
                event = events.read(message, now, next(self._running_number))
            except events.UnreadableAmiEvent as error:
                log.warning("An AMI event is not as expected.", action="ami_unreadable", problem=str(error))
                continue
            if event is not None:
                typed.append(event)
        return typed

    def _lost(self, protocol: GuardedProtocol) -> None:
        if protocol is self._protocol:
            self._drop("the PBX closed the connection")

    def _drop(self, why: str) -> None:
        if self.connected:
            log.warning("The link to the PBX is down.", action="ami_lost", reason=why)
        self.connected, self.trouble = False, why
        protocol, self._protocol = self._protocol, None
        self._down.set()
        if protocol is not None:
            protocol.cut()


def _reply(message: Message) -> AmiReply:
    fields = {str(name).lower(): str(value) for name, value in message.items()}
    if not message.success:
        raise AmiRefused(fields.get("message", "The PBX refused without saying why."))
    return AmiReply(fields.get("message", ""), fields)
