"""A scripted Asterisk on the other end of FastAGI: one call's channel, its variables, and a caller's finger.

It speaks the wire of res_agi.c as far as reception uses it, and remembers what it was told. Instead of
playing a sound it looks up, by the sound's file name, whether the caller presses a key in it.
"""

import asyncio
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import PurePath

HANG_UP = "hang up"
"""Instead of a key: the caller leaves during this sound."""

_ARGUMENT = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')


class AgiClient:
    """One AGI connection of one channel.

    `keys`: what the caller presses during the sound of this name; under `name?` in the silence after it. A
    text of several keys is used up one by one, each time the sound comes again.
    """

    def __init__(
        self,
        keys: Mapping[str, str] | None = None,
        *,
        variables: Mapping[str, str] | None = None,
        caller: str = "+12125550123",
        script: str = "reception",
    ) -> None:
        self.keys = {name: list(k) if k != HANG_UP else [HANG_UP] for name, k in (keys or {}).items()}
        self.variables = {"PZ_CALL": "pz-1.1", **(variables or {})}
        self.caller = caller
        self.script = script
        self.commands: list[str] = []
        self.played: list[str] = []  # names of sounds, in order
        self.fuses: list[float] = []  # every TIMEOUT(absolute) that was set
        self.hung_up = False
        self._in_silence = False

    async def call(self, port: int, *, deadline_s: float = 5.0) -> "AgiClient":
        """Connect, introduce the channel, obey until the other side closes (or the caller hangs up)."""
        async with asyncio.timeout(deadline_s):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(self.header().encode())
                while not self.hung_up and (line := await reader.readline()):
                    command = line.decode().rstrip("\n")
                    self.commands.append(command)
                    await self.wait(command)
                    writer.write(self._obey(command).encode() + b"\n")
                    await writer.drain()
            except ConnectionResetError:
                pass  # closed by the server, as Asterisk may see it too
            finally:
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()
        return self

    async def wait(self, command: str) -> None:
        """The time that a command takes: none, but for those who say otherwise."""

    def header(self) -> str:
        """What Asterisk sends first."""
        fields = {
            "network": "yes",
            "network_script": self.script,
            "request": f"agi://127.0.0.1/{self.script}",
            "channel": "PJSIP/network-00000001",
            "language": "en",
            "uniqueid": "pz-1.1",
            "version": "22.10.1",
            "callerid": self.caller,
            "calleridname": "unknown",
            "context": "presszero-inbound",
            "extension": "+18005550100",
            "priority": "4",
            "threadid": "140",
        }
        return "".join(f"agi_{name}: {value}\n" for name, value in fields.items()) + "\n"

    def _obey(self, command: str) -> str:
        words = [quoted.replace('\\"', '"').replace("\\\\", "\\") or plain for quoted, plain in
                 _ARGUMENT.findall(command)]  # fmt: skip
        match words:
            case ["GET", "VARIABLE", name]:
                value = self.variables.get(name)
                return f"200 result=1 ({value})" if value is not None else "200 result=0"
            case ["SET", "VARIABLE", "TIMEOUT(absolute)", value]:
                self.fuses.append(float(value))
                return "200 result=1"
            case ["SET", "VARIABLE", name, value]:
                self.variables[name] = value
                return "200 result=1"
            case ["STREAM", "FILE", path, *allowed]:
                return (
                    f"200 result={self._play(PurePath(path).name, allowed[0] if allowed else '')} endpos=8000"
                )
        return "510 Invalid or unknown command"

    def _play(self, sound: str, allowed: str) -> int:
        if sound == "quiet":
            # Silence comes second by second; the caller decides once.
            still, self._in_silence = self._in_silence, True
            return 0 if still else self._press(self.played[-1] + "?", allowed)
        self._in_silence = False
        self.played.append(sound)
        return self._press(sound, allowed)

    def _press(self, sound: str, allowed: str) -> int:
        waiting = self.keys.get(sound)
        if not waiting:
            return 0
        if waiting[0] == HANG_UP:
            self.hung_up = True
            return -1
        key = waiting.pop(0)
        return ord(key) if key in allowed else 0  # Asterisk drops a key that does not stop the sound
