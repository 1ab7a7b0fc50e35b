"""An Asterisk Manager Interface on a real socket: it says what a test wants, sound or not."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

Headers = dict[str, str]
Answer = Callable[[Headers], bytes | None]

BANNER = b"Asterisk Call Manager/11.0.0\r\n"


def message(*headers: tuple[str, object]) -> bytes:
    """One AMI message."""
    return "".join(f"{name}: {value}\r\n" for name, value in headers).encode() + b"\r\n"


class FakeAmi:
    """Answers Login and Ping like Asterisk; other actions by `answers`, or never."""

    def __init__(self) -> None:
        self.port = 0
        self.secret = "right"
        self.banner = BANNER
        self.mute = False  # takes everything, says nothing
        self.answers: dict[str, Answer] = {}
        self.actions: list[Headers] = []
        self.logins = 0
        self._writers: list[asyncio.StreamWriter] = []
        self._changed = asyncio.Condition()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self._writers.append(writer)
        writer.write(self.banner)
        try:
            while True:
                block = await reader.readuntil(b"\r\n\r\n")
                headers = dict(line.split(": ", 1) for line in block.decode().strip().split("\r\n"))
                async with self._changed:
                    self.actions.append(headers)
                    if not self.mute and (answer := self._answer(headers)):
                        writer.write(answer)
                    self._changed.notify_all()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _answer(self, headers: Headers) -> bytes | None:
        name, number = headers["Action"], headers["ActionID"]
        if name in self.answers:
            return self.answers[name](headers)
        if name == "Login" and headers["Secret"] == self.secret:
            self.logins += 1
            return message(
                ("Response", "Success"), ("ActionID", number), ("Message", "Authentication accepted")
            )
        if name == "Login":
            return message(("Response", "Error"), ("ActionID", number), ("Message", "Authentication failed"))
        if name == "Ping":
            return message(("Response", "Success"), ("ActionID", number), ("Ping", "Pong"))
        return None

    def say(self, data: bytes) -> None:
        """Put bytes on the newest connection."""
        self._writers[-1].write(data)

    def drop(self) -> None:
        """Break all connections."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def asked(self, name: str) -> list[Headers]:
        """The actions of that name so far."""
        return [headers for headers in self.actions if headers["Action"] == name]

    async def until(self, met: Callable[[], bool]) -> None:
        """Wait until an action has brought that about; at most 5 s."""
        async with asyncio.timeout(5), self._changed:
            await self._changed.wait_for(met)


@asynccontextmanager
async def fake_ami() -> AsyncIterator[FakeAmi]:
    """A FakeAmi listening on a loopback port of its own."""
    fake = FakeAmi()
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    fake.port = server.sockets[0].getsockname()[1]
    try:
        yield fake
    finally:
        server.close()
        fake.drop()
