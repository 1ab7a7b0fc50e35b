"""The bytes of AMI: panoramisk's parser and matching of replies, with its faults guarded.

Knows sockets and messages; no reconnecting and no meaning of events (`ami.py`, `events.py`). One of two
files that import panoramisk.

What is guarded here (numbers as in panoramisk 1.4's list of faults):
2. control characters in a value would smuggle a second action onto the wire: refused;
4. actions without an answer would be sent again after a reconnect: they fail instead, once and for all;
5. a UTF-8 character split over two reads was lost: decoded incrementally;
6. an action waits for ever: whoever waits gives up by a deadline and calls `forget`.
Beyond that a message that never ends is refused, and log lines never show messages (they hold numbers).
"""

import asyncio
import codecs
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.message import Message

from cti.asterisk.events import Headers

log = structlog.get_logger()

Value = str | int | Sequence[str]

BANNER = "Asterisk Call Manager/"
_END = "\r\n\r\n"
_MAX_MESSAGE = 1 << 18  # characters without an end; real ones have a few thousand at most
_MAX_HEADERS = 1000  # of one message; real ones have a few dozen
_MAX_LINE = 1000  # bytes; Asterisk cuts lines of actions at 1024 (main/manager.c, inbuf)
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")  # halves of characters as well


class BadAmiValue(ValueError):
    """A value cannot stand in an AMI action: it holds control characters or is too long. Clean it first."""


class AmiCut(ConnectionError):
    """The AMI link broke before the answer came: the action may or may not have been done. It is not sent
    again; ask the PBX how things are before you repeat it."""


class NotAmi(ConnectionError):
    """Whatever listens there is no Asterisk Manager Interface: check host and port (manager.conf)."""


def checked(name: str, fields: Mapping[str, Value]) -> dict[str, Value]:
    """An action's headers, fit for the wire.

    Raises:
        BadAmiValue: a header or value would break out of its line or be cut by Asterisk.
    """
    headers: dict[str, Value] = {"Action": name, **fields}
    for header, value in headers.items():
        if not _HEADER.fullmatch(header):
            raise BadAmiValue(f"{header!r} cannot be the name of an AMI header.")
        for text in (value,) if isinstance(value, str | int) else value:
            if _CONTROL.search(str(text)):
                raise BadAmiValue(f"The AMI header {header} would hold a control character: clean it first.")
            if len(f"{header}: {text}".encode()) > _MAX_LINE:
                raise BadAmiValue(f"The AMI header {header} would be longer than {_MAX_LINE} bytes.")
    return headers


def headers_of(block: str) -> dict[str, str | list[str]]:
    """The headers of one message; a header that stands several times has a list. Beyond 1000 lines nothing
    is read: who names one header more often than that makes us work, and tells nothing.

    Several times as fast as panoramisk's own, whose dictionary folds the case of each name at each look: on a
    busy PBX much of the intake's work is here.
    """
    headers: dict[str, str | list[str]] = {}
    for line in block.split("\r\n", _MAX_HEADERS)[:_MAX_HEADERS]:
        name, _, value = line.partition(": ")
        before = headers.get(name)
        if before is None:
            headers[name] = value
        elif isinstance(before, list):
            before.append(value)
        else:
            headers[name] = [before, value]
    return headers


class GuardedProtocol(AMIProtocol):  # type: ignore[misc]  # panoramisk has no types
    """One AMI connection. Events of `wanted` kinds reach `on_events`, once per read from the socket."""

    def __init__(
        self,
        wanted: frozenset[str],
        on_events: Callable[[list[Headers]], None],
        on_lost: Callable[["GuardedProtocol"], None],
    ) -> None:
        self._wanted = wanted
        self._on_events = on_events
        self._on_lost = on_lost
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._banner_seen = False
        self.greeted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.lost = False

    # --- from the wire

    def data_received(self, data: bytes) -> None:
        """Take in what the socket gave; complete messages are handled, the rest waits for more."""
        text = self._rest + self._decoder.decode(data)
        if not self._banner_seen:
            if not text.startswith(BANNER[: len(text)]):
                return self._refuse(NotAmi(NotAmi.__doc__))
            line, end, rest = text.partition("\r\n")
            if end:
                self._banner_seen = True
                self.version, text = line.removeprefix(BANNER), rest
                if not self.greeted.done():
                    self.greeted.set_result(None)
        *blocks, self._rest = text.split(_END)
        if len(self._rest) > _MAX_MESSAGE:
            return self._refuse(AmiCut("An AMI message that does not end: the link is made anew."))
        events: list[Headers] = []
        for block in blocks:
            try:
                self._block(block, events)
            except Exception as error:  # one message that panoramisk chokes on must not end the link
                # No traceback: its values would put numbers into the log.
                kind = type(error).__name__
                log.warning("An AMI message cannot be read.", action="ami_unreadable", error=kind)
        if events:
            self._on_events(events)
        return None

    def _block(self, block: str, events: list[Headers]) -> None:
        block = block.lstrip("\r\n")
        solicited = "\r\nActionID: " in block
        if block.startswith("Event: ") and not solicited:
            # Most of what a PBX says is of no use to us: it is passed over before any parsing.
            if block[7 : block.find("\r\n")] in self._wanted:
                events.append(headers_of(block))
            return
        message = Message.from_line(block)
        if message is not None and message.id in self.responses:  # else late: nobody waits any more
            self.handle_message(message)

    def _refuse(self, error: ConnectionError) -> None:
        log.warning("The AMI link is cut.", action="ami_refused", reason=str(error))
        self._no_greeting(error)
        self.cut()

    def _no_greeting(self, error: ConnectionError) -> None:
        if not self.greeted.done():
            self.greeted.set_exception(error)
            self.greeted.exception()  # whoever connected may have given up: nobody need ask

    # --- to the wire

    def ask(self, name: str, fields: Mapping[str, Value], *, as_list: bool = False) -> Action:
        """Send an action; its `.future` gives the reply, `.id` is for `forget`.

        `as_list`: the reply is a list of messages if Asterisk announces one.

        Raises:
            AmiCut: the link is down.
            BadAmiValue: a value is not fit for the wire.
        """
        headers = checked(name, fields)
        if self.lost or self.transport.is_closing():
            raise AmiCut(f"There is no AMI link: {name} was not sent.")
        # Left to itself, panoramisk takes "… successfully queued" for the beginning of a list, and waits.
        action = Action(headers, as_list=None if as_list else False)
        self.responses[action.id] = action
        self.transport.write(str(action).encode())
        return action

    def forget(self, action: Action) -> None:
        """Nobody waits for this action any more."""
        self.responses.pop(action.id, None)

    def cut(self) -> None:
        """End the connection at once, whatever is still unsent."""
        self.transport.abort()

    def close(self) -> None:
        """Fail what waits. panoramisk would keep it here, to be sent again."""
        waiting: list[Any] = list(self.responses.values())
        self.responses.clear()
        for action in waiting:
            if not action.future.done():
                action.future.set_exception(AmiCut(AmiCut.__doc__))
        self._no_greeting(AmiCut("The AMI connection was closed before it began."))
        self.transport.abort()

    def connection_lost(self, _exc: Exception | None) -> None:
        """The socket is gone."""
        if not self.lost:
            self.lost = True
            self.close()
            self._on_lost(self)
