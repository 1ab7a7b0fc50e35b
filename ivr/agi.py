"""FastAGI on the wire: one conversation with Asterisk about one caller.

Our own reader, because panoramisk's spins for ever on a client that connects and says nothing. Everything
that arrives is limited in size and time; everything that leaves is quoted, so that no value can carry a
second command. It may not know menus, scenarios or customers.

Protocol: Asterisk's documentation, "The Asterisk Gateway Interface (AGI)", and its res_agi.c.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

HEADER_LINES = 100
HEADER_BYTES = 16 * 1024
STEP_S = 2.0  # for Asterisk to answer a command that does not wait for the caller
MOST_COMMANDS = 20_000  # of one session; some hours in a menu

_HEADER = re.compile(r"(agi_[a-z0-9_]{1,60}): ?(.*)")
_REPLY = re.compile(r"([0-9]{3})([ -])(.*)")
_RESULT = re.compile(r"result=(-?[0-9]{1,9})(?: \((.*)\))?(?: .*)?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,79}(\([A-Za-z0-9_,]{0,80}\))?")
_KEYS = "0123456789*#"


class AgiError(Exception):
    """This AGI connection cannot be used further; the dialplan goes on without us."""


class BadAgi(AgiError):
    """What arrived is not AGI, or more than the limits allow: whoever connected is not Asterisk."""


class AgiLate(AgiError):
    """Asterisk did not answer a command within its deadline."""


class AgiRefused(AgiError):
    """Asterisk does not know or permit the command; the message has its answer code."""


class CallerHungUp(AgiError):
    """The caller has left, or the connection to Asterisk has; nothing more can be done for the call."""


@dataclass(frozen=True)
class AgiRequest:
    """The header block with which Asterisk opens a connection."""

    fields: Mapping[str, str]  # agi_callerid, agi_extension, agi_uniqueid, …

    @property
    def script(self) -> str:
        """The path of the request: `reception` for agi://host/reception."""
        return self.fields.get("agi_network_script", "").partition("?")[0].strip("/")

    def get(self, name: str) -> str:
        """A field such as `agi_callerid`; empty when Asterisk did not send it or wrote `unknown`."""
        value = self.fields.get(name, "")
        return "" if value == "unknown" else value


@dataclass(frozen=True)
class AgiReply:
    """`200 result=1 (value)` taken apart."""

    code: int
    result: int
    value: str | None


def parse_header_line(line: str) -> tuple[str, str]:
    """`agi_callerid: 101` → its name and value.

    Raises:
        BadAgi: the line is something else.
    """
    match = _HEADER.fullmatch(line)
    if not match:
        raise BadAgi("a line of the header is not `agi_name: value`")
    return match[1], match[2].strip()


def parse_reply(line: str) -> AgiReply:
    """A complete single-line reply.

    Raises:
        AgiRefused: Asterisk does not know (510) or permit (511) the command, or its usage is wrong (520).
        CallerHungUp: 511 says that the channel is dead.
        BadAgi: no AGI reply.
    """
    match = _REPLY.fullmatch(line)
    if not match:
        raise BadAgi("the reply has no code")
    code = int(match[1])
    if code == 511:
        raise CallerHungUp("the channel is dead")
    if code != 200:
        raise AgiRefused(f"Asterisk answered {code} to a command; is it version 20 or newer?")
    result = _RESULT.fullmatch(match[3])
    if not result:
        raise BadAgi("the reply has no result")
    return AgiReply(code, int(result[1]), result[2])


def quote(argument: str) -> str:
    """One argument, quoted for AGI's command line.

    Raises:
        ValueError: it holds a control character, with which it could end the command and begin another.
    """
    if any(ord(character) < 32 or ord(character) == 127 for character in argument):
        raise ValueError("an AGI argument holds a control character; remove it")
    return '"' + argument.replace("\\", "\\\\").replace('"', '\\"') + '"'


class AgiSession:
    """Commands to Asterisk about one caller. Every method raises `AgiError` kinds and nothing else of I/O."""

    def __init__(
        self,
        request: AgiRequest,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        step_s: float = STEP_S,
    ) -> None:
        self.request = request
        self._reader = reader
        self._writer = writer
        self._step_s = step_s
        self._commands = 0

    async def get_variable(self, name: str) -> str:
        """A channel variable's value; empty when it is not set."""
        reply = await self._command(f"GET VARIABLE {_variable(name)}")
        return reply.value or "" if reply.result == 1 else ""

    async def set_variable(self, name: str, value: str | int) -> None:
        """Set a channel variable, or a dialplan function such as `TIMEOUT(absolute)` (seconds; 0: none)."""
        await self._command(f"SET VARIABLE {_variable(name)} {quote(str(value))}")

    async def stream_file(self, path: PurePath, keys: str, *, seconds: float) -> str | None:
        """Play a sound (absolute path without its extension); a key of `keys` stops it and is returned.

        `seconds`: how long the sound is, for the deadline. None when it was heard out or cannot be played.
        """
        if set(keys) - set(_KEYS):
            raise ValueError(f"keys are of {_KEYS}")
        command = f"STREAM FILE {quote(str(path))} {quote(keys)}"
        return self._key(await self._command(command, seconds + self._step_s))

    def _key(self, reply: AgiReply) -> str | None:
        if reply.result < 0:
            raise CallerHungUp("hung up while something was played")
        if reply.result and (reply.result > 127 or chr(reply.result) not in _KEYS):
            raise BadAgi("a key that no telephone has")
        return chr(reply.result) if reply.result else None

    async def _command(self, command: str, deadline_s: float | None = None) -> AgiReply:
        self._commands += 1
        if self._commands > MOST_COMMANDS:
            raise AgiError(f"more than {MOST_COMMANDS} commands about one caller")
        try:
            async with asyncio.timeout(deadline_s or self._step_s):
                self._writer.write(command.encode() + b"\n")
                await self._writer.drain()
                return parse_reply(await self._reply_line())
        except TimeoutError as error:
            raise AgiLate(f"Asterisk did not answer {' '.join(command.split()[:2])} in time") from error
        except OSError as error:
            raise CallerHungUp("the connection was cut") from error

    async def _reply_line(self) -> str:
        line = await read_line(self._reader)
        if line == "HANGUP":  # sent by itself, in front of whatever else comes
            raise CallerHungUp("Asterisk says that the caller hung up")
        if line[3:4] == "-":  # 520-…, the usage of the command over several lines
            for _ in range(HEADER_LINES):
                if (last := await read_line(self._reader)).startswith(f"{line[:3]} "):
                    return last
            raise BadAgi("a reply without end")
        return line


async def read_request(reader: asyncio.StreamReader) -> AgiRequest:
    """Read the header block up to its empty line; the caller sets the deadline.

    Raises:
        BadAgi: not AGI, or more than 100 lines or 16 KiB.
        CallerHungUp: closed before the end.
    """
    fields: dict[str, str] = {}
    size = 0
    for _ in range(HEADER_LINES):
        line = await read_line(reader)
        if not line:
            if "agi_request" not in fields:
                raise BadAgi("the header names no request")
            return AgiRequest(fields)
        size += len(line)
        if size > HEADER_BYTES:
            raise BadAgi(f"the header is larger than {HEADER_BYTES} bytes")
        name, value = parse_header_line(line)
        fields[name] = value
    raise BadAgi(f"the header has more than {HEADER_LINES} lines")


async def read_line(reader: asyncio.StreamReader) -> str:
    """One line without its end.

    Raises:
        CallerHungUp: the connection ended.
        BadAgi: the line is longer than the reader's limit.
    """
    try:
        line = await reader.readuntil(b"\n")
    except asyncio.IncompleteReadError as error:
        raise CallerHungUp("the connection ended") from error
    except asyncio.LimitOverrunError as error:
        raise BadAgi("a line is too long") from error
    except OSError as error:
        raise CallerHungUp("the connection was cut") from error
    return line.decode(errors="replace").rstrip("\r\n")


def _variable(name: str) -> str:
    if not _VARIABLE.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a channel variable")
    return name
