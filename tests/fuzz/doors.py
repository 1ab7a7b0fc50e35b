"""Whole servers fed over real sockets: the desk's site, FastAGI, AudioSocket. Fewer inputs, the whole way.

A fault here is also an answer with status 500, an error that a server only logs, and a connection that the
server neither answers nor ends.
"""

import asyncio
import contextlib
import re
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp

from ivr.agi import AgiError, AgiSession
from ivr.server import FastAgiServer
from tests.fakes.web_room import PASSWORD, SUPERVISOR, WebRoom
from tests.fuzz.mutate import Mutator
from tests.fuzz.parsers import AUDIO, REPLIES, REQUEST
from tests.fuzz.runner import Feed, Target
from tickets.database import migrate, open_database, utc_now
from voicebot.audiosocket import Kind, encode
from voicebot.media import Attendant, MediaPort
from voicebot.server import AudioSocketServer

ANSWER_S = 30.0  # for one whole exchange, on a busy machine
IDLE_S = 5.0
_BROKEN = re.compile(rb"HTTP/1\.1 5(?!03)\d\d ")
_TOKEN = b"TOKEN"


class _Faults:
    """What went wrong behind a door."""

    def __init__(self) -> None:
        self.seen: list[BaseException] = []

    def from_loop(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """The event loop's word of a task that died unheard."""
        self.seen.append(context.get("exception") or RuntimeError(str(context.get("message"))))

    def tell(self) -> None:
        """Raise the first, if there is any."""
        seen, self.seen = self.seen, []
        if seen:
            raise seen[0]


Exchange = Callable[[bytes, Mutator], Awaitable[None]]


def _door(
    opened: Callable[[_Faults], contextlib.AbstractAsyncContextManager[Exchange]],
) -> Callable[[], contextlib.AbstractContextManager[Feed]]:
    """An asynchronous server as a target of the runner's."""

    @contextmanager
    def start() -> Iterator[Feed]:
        loop, faults = asyncio.new_event_loop(), _Faults()
        loop.set_exception_handler(faults.from_loop)
        manager = opened(faults)
        exchange = loop.run_until_complete(manager.__aenter__())

        async def in_time(data: bytes, mutator: Mutator) -> None:
            async with asyncio.timeout(ANSWER_S):
                await exchange(data, mutator)

        def feed(data: bytes, mutator: Mutator) -> None:
            loop.run_until_complete(in_time(data, mutator))
            faults.tell()

        try:
            yield feed
        finally:
            loop.run_until_complete(manager.__aexit__(None, None, None))
            loop.close()

    return start


async def _say(port: int, data: bytes, mutator: Mutator) -> bytes:
    """Send it and hang up; what the server answered until it hung up too."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = b""
    with contextlib.suppress(ConnectionError):
        for piece in mutator.pieces(data):
            writer.write(piece)
            await writer.drain()
        writer.write_eof()
        while more := await reader.read(1 << 16):
            answer = (answer + more)[-(1 << 20) :]
    writer.close()
    return answer


@asynccontextmanager
async def _site(_faults: _Faults) -> AsyncIterator[Exchange]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = f"sqlite:///{folder / 'desk.sqlite3'}"
        await asyncio.to_thread(migrate, url)
        database = open_database(url)
        room = WebRoom(database, folder, utc_now(), {})
        async with room.open(idle_s=IDLE_S):
            async with aiohttp.ClientSession(room.address) as program:
                who = {"login": SUPERVISOR, "password": PASSWORD}
                async with program.post("/api/v1/session", json=who) as answer:
                    token = (await answer.json())["token"].encode()
            assert room.door is not None
            port = room.door.port

            async def exchange(data: bytes, mutator: Mutator) -> None:
                answer = await _say(port, data.replace(_TOKEN, token), mutator)
                assert not _BROKEN.search(answer), answer[:300]

            yield exchange
        await database.close()


@asynccontextmanager
async def _fastagi(faults: _Faults) -> AsyncIterator[Exchange]:
    async def serve(session: AgiSession) -> None:
        try:
            await session.set_variable("TIMEOUT(absolute)", 4)
            call_id = await session.get_variable("PZ_CALL")
            await session.set_variable("PZ_QUEUE", "".join(sign for sign in call_id if sign.isprintable()))
            while await session.stream_file(Path("/prompts/menu"), "0123456789*#", seconds=0) is not None:
                pass
        except AgiError:
            raise
        except Exception as error:
            faults.seen.append(error)

    server = FastAgiServer("127.0.0.1", 0, serve)
    await server.start()

    async def exchange(data: bytes, mutator: Mutator) -> None:
        await _say(server.port, data, mutator)

    yield exchange
    await server.stop()


class _Listener(Attendant):
    """Hears a call to its end."""

    async def run(self, media: MediaPort) -> object:
        """Listen, and say something too."""
        media.play(bytes(640))
        async for _event in media:
            pass
        return None


@asynccontextmanager
async def _audiosocket(_faults: _Faults) -> AsyncIterator[Exchange]:
    async def attend(call: UUID) -> Attendant | None:
        return _Listener() if call.bytes[0] < 128 else None

    async with AudioSocketServer("127.0.0.1", 0, attend) as server:

        async def exchange(data: bytes, mutator: Mutator) -> None:
            await _say(server.port, data, mutator)

        yield exchange


def _http(method: str, path: str, kind: str = "", body: bytes = b"") -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: desk\r\nAuthorization: Bearer {_TOKEN.decode()}\r\n"
    if body:
        head += f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"Connection: close\r\n\r\n" + body


_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"
_REQUESTS = (
    _http("GET", "/"),
    _http("GET", "/tickets?status=open&operator=101"),
    _http("GET", "/tickets/PZ-1001"),
    _http("GET", "/customers/1"),
    _http("GET", "/calls?cursor=WyIyMDI2Il0&state=queued"),
    _http("GET", "/static/desk.css"),
    _http("HEAD", "/healthz"),
    _http("GET", "/readyz"),
    _http("GET", "/api/v1/openapi.json"),
    _http("GET", "/api/v1/calls?limit=5&customer_id=1"),
    _http("GET", "/api/v1/recordings/1/audio"),
    _http("POST", "/login", _FORM, b"login=grace&password=wrong+horse&next=%2Ftickets"),
    _http("POST", "/api/v1/customers", _JSON, b'{"name": "Ada", "numbers": ["+12025550123"]}'),
    _http("POST", "/api/v1/tickets/PZ-1001/notes", _JSON, b'{"text": "She will call back."}'),
    _http("PATCH", "/api/v1/tickets/PZ-1001", _JSON, b'{"status": "closed", "version": 3}'),
    _http("POST", "/tickets/PZ-1001/notes", _FORM, b"text=a%20note"),
    _http("GET", "/promises?show=person&cursor=WzMwMF0"),
    _http("POST", "/promises/1?show=standing", _FORM, b"act=excused&reason=a+wrong+number"),
    _http("POST", "/api/v1/promises/1/end", _JSON, b'{"state": "reached", "reason": "At the shop."}'),
    _http("GET", "/incidents"),
    _http("POST", "/incidents", _FORM, b"topic=Draw&text=Not+tonight.&until=2027-01-01T20%3A00"),
    _http("POST", "/api/v1/incidents", _JSON,
          b'{"topic": "Draw", "text": "Not tonight.", "until": "2027-01-01T20:00:00-05:00"}'),
    _http("POST", "/api/v1/incidents/1/off"),
    b"POST /login HTTP/1.1\r\nHost: desk\r\nTransfer-Encoding: chunked\r\nContent-Type: "
    b"application/x-www-form-urlencoded\r\nConnection: close\r\n\r\n7\r\nlogin=x\r\n0\r\n\r\n",
)  # fmt: skip
_HEADERS = (
    b"Range: bytes=0-5\r\n", b"If-None-Match: *\r\n", b"Expect: 100-continue\r\n", b"Upgrade: websocket\r\n",
    b"Content-Encoding: gzip\r\n", b"Cookie: presszero=x\r\n", b"X-Forwarded-For: 203.0.113.9\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Content-Length: 99\r\n", b"Sec-Fetch-Site: cross-site\r\n",
)  # fmt: skip

DOORS = (
    Target("the desk's site", _REQUESTS, _HEADERS, 6_000, _door(_site)),
    Target(
        "the FastAGI door",
        tuple(REQUEST + reply * 3 + REPLIES[1] + REPLIES[3] for reply in REPLIES),
        (b"200 result=1\n", b"HANGUP\n"),
        6_000,
        _door(_fastagi),
    ),
    Target(
        "the AudioSocket door",
        AUDIO,
        (encode(Kind.END), encode(Kind.DIGIT, b"7")),
        4_000,
        _door(_audiosocket),
    ),
)
