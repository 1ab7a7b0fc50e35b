"""A door between two programs that a fault can cut, silence or slow down. Knows bytes, no protocol."""

import asyncio
import contextlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

PIECE = 65536
SLOW_S = 1.5  # each piece of data comes so much later


class Way(StrEnum):
    """What the proxy does with what it carries."""

    PASS = "pass"
    CUT = "cut"  # every connection is broken, new ones too
    MUTE = "mute"  # connections are accepted and stay, and nothing goes through, in either direction
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class Address:
    """Where the real door is: a TCP port of loopback or a Unix socket."""

    port: int = 0
    socket: Path | None = None

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.socket is not None:
            return await asyncio.open_unix_connection(self.socket)
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def listen(self, taken: "Proxy") -> asyncio.Server:
        if self.socket is not None:
            return await asyncio.start_unix_server(taken.carry, self.socket)
        return await asyncio.start_server(taken.carry, "127.0.0.1", self.port)


class Proxy:
    """Listens at `here` and carries to `there`."""

    def __init__(self, here: Address, there: Address) -> None:
        self.here, self.there = here, there
        self._way = Way.PASS
        self._flows = asyncio.Event()
        self._flows.set()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._carrying: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Listen; harmless when it does already."""
        if self._server is None:
            self._server = await self.here.listen(self)

    async def shut(self) -> None:
        """Listen no more, as a program that has ended: who connects is refused. Connections there stay."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def go(self, way: Way) -> None:
        """From now on."""
        self._way = way
        if way is Way.MUTE:
            self._flows.clear()
        else:
            self._flows.set()
        if way is Way.CUT:
            for writer in self._writers:
                writer.transport.abort()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.shut()
        for task in self._carrying:
            task.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end."""
        task = asyncio.current_task()
        assert task is not None
        self._carrying.add(task)
        self._writers.add(writer)
        far: asyncio.StreamWriter | None = None
        try:
            if self._way is Way.CUT:
                return
            far_reader, far = await self.there.connect()
            self._writers.add(far)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(reader, far))
                both.create_task(self._pump(far_reader, writer))
        except (OSError, ExceptionGroup):
            pass  # one side is gone, so the other goes too
        finally:
            for end in (writer, far):
                if end is not None:
                    self._writers.discard(end)
                    end.transport.abort()
            self._carrying.discard(task)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(PIECE):
            await self._flows.wait()
            if self._way is Way.SLOW:
                await asyncio.sleep(SLOW_S)
            writer.write(data)
            await writer.drain()
        await self._flows.wait()
        with contextlib.suppress(OSError):
            writer.write_eof()  # what has been said before is still to arrive
            await asyncio.sleep(0.2)
        raise ConnectionResetError
