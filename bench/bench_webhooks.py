"""Webhooks of a virtual PBX: how many a second are checked, kept and answered, and how long the answer takes.

The door is the real one: signature, what was told in SQLite and committed, then the answer; with the ledger
behind it, too, as in the service. The baseline is bare aiohttp that commits one SQLite insert for each
request, in the same journal mode (WAL, synchronous NORMAL). Each server is a process of its own; the clients
are this process, many connections that stay open and send their next request when the last is answered.

At a surge the whole service answers, and each webhook comes when its time is there, whether or not the one
before has been answered.
"""

import asyncio
import contextlib
import multiprocessing
import re
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry

from cti.intake import Intake
from cti.ports import free_port
from cti.virtual_pbx.door import make_door
from cti.virtual_pbx.door_plate import DoorPlate
from cti.virtual_pbx.intake import FactIntake
from cti.virtual_pbx.quiet_house import quiet_house
from cti.virtual_pbx.registry import vendor_type
from cti.virtual_pbx.settings import write_connection
from cti.virtual_pbx.simulators.registry import simulator
from cti.virtual_pbx.stories import story
from cti.virtual_pbx.teller import Teller
from cti.web.front_door import FrontDoor
from tests.fakes.service_process import service_process
from tests.fakes.virtual_pbx import SCENARIO, settings_of
from tickets.database import migrate, open_database, utc_now
from tickets.facts import FactBook
from tickets.ledger import CallBook

VENDOR = "mango"
STORY = "chain"  # the longest: three operators, one after the other
CLIENTS = 64
ROUNDS, CALLS_A_ROUND = 9, 80  # the first round is not counted; each server in turn, so that noise hits all
CALLS_A_MINUTE = 8 * 20  # of a centre that has 8 on a usual day
SURGE_S, FASTER = 60.0, 4.0  # the calls of a minute; each lasts a quarter of its story's time
DEADLINE_S = 240.0
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)


def _requests(calls: int, prefix: str) -> Iterator[tuple[float, bytes]]:
    """Webhooks of whole calls: seconds from the call's beginning, the request's bytes."""
    settings, told = settings_of(VENDOR), simulator(VENDOR)
    start = datetime.now(UTC) - timedelta(seconds=5)
    for number in range(calls):
        for hook in told.hooks(story(STORY), settings, start, f"{prefix}-{number}"):
            lines = [f"{hook.method} /{VENDOR}{hook.path} HTTP/1.1", "Host: 127.0.0.1"]
            lines += [f"{name}: {value}" for name, value in hook.headers.items()]
            head = "\r\n".join([*lines, f"Content-Length: {len(hook.body)}", "", ""])
            yield (hook.at - start).total_seconds(), head.encode() + hook.body


class _Client(asyncio.Protocol):
    """One connection that stays open, with one request at a time."""

    def __init__(self) -> None:
        self._buffer = b""
        self._answered: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    async def ask(self, request: bytes) -> int:
        """Send it; the answer's status."""
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answered

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = _LENGTH.search(head)
        if length is not None and len(rest) < int(length[1]):
            return
        self._buffer = b""
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(int(head[9:12]))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(ConnectionError("the server has hung up"))

    def close(self) -> None:
        self._transport.close()


async def _clients(port: int, count: int) -> list[_Client]:
    loop = asyncio.get_running_loop()
    return [(await loop.create_connection(_Client, "127.0.0.1", port))[1] for _ in range(count)]


async def _rate(port: int, requests: Sequence[bytes]) -> float:
    """Requests a second."""
    clients, waiting = await _clients(port, CLIENTS), iter(requests)

    async def work(client: _Client) -> None:
        for request in waiting:
            status = await client.ask(request)
            assert status == 200, status

    began = time.perf_counter()
    await asyncio.gather(*map(work, clients))
    seconds = time.perf_counter() - began
    for client in clients:
        client.close()
    return len(requests) / seconds


async def _open(port: int, requests: Sequence[tuple[float, bytes]]) -> list[float]:
    """Milliseconds from when each request's time had come until its answer."""
    free, took = await _clients(port, CLIENTS), list[float]()
    began = time.perf_counter()

    async def one(at: float, request: bytes) -> None:
        client = free.pop() if free else (await _clients(port, 1))[0]
        status = await client.ask(request)
        took.append((time.perf_counter() - began - at) * 1000)
        assert status == 200, status
        free.append(client)

    async with asyncio.TaskGroup() as group:
        for at, request in requests:
            if (early := began + at - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            group.create_task(one(at, request))
    for client in free:
        client.close()
    return sorted(took)


def _bare(folder: str, pipe: Connection) -> None:
    """A process: bare aiohttp, one committed insert for each request."""
    connection = sqlite3.connect(f"{folder}/bare.sqlite3", check_same_thread=False, isolation_level=None)
    for line in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL"):
        connection.execute(line)
    connection.execute("CREATE TABLE hooks (id INTEGER PRIMARY KEY, at TEXT, body BLOB)")
    thread = ThreadPoolExecutor(1)

    def keep(body: bytes) -> None:
        connection.execute(
            "INSERT INTO hooks (at, body) VALUES (?, ?)", (datetime.now(UTC).isoformat(), body)
        )

    async def hook(request: web.Request) -> web.Response:
        body = await request.read()
        await asyncio.get_running_loop().run_in_executor(thread, keep, body)
        return web.Response(text="{}")

    async def serve() -> None:
        app = web.Application()
        app.router.add_post("/{path:.*}", hook)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        pipe.send(runner.addresses[0][1])
        await asyncio.to_thread(pipe.recv)
        await runner.cleanup()

    asyncio.run(serve())


def _ours(folder: str, pipe: Connection, *, telling: bool) -> None:
    """A process: our door; `telling`: with the ledger behind it."""

    async def serve() -> None:
        database = open_database(f"sqlite+aiosqlite:///{folder}/presszero.sqlite3")
        book, calls = FactBook(database.sessions), CallBook(database.sessions)
        adapter = vendor_type(VENDOR)(settings_of(VENDOR), quiet_house(SCENARIO))
        vendors = {VENDOR: adapter}
        ledger = Intake(calls.record, lambda changes: None, Path(folder))

        async def no_tapes(tapes: object) -> None:
            pass

        teller = Teller(vendors, book, calls.events_of, ledger.publish, ledger.settle, no_tapes, utc_now)
        intake = FactIntake(book.keep, teller.kept if telling else lambda new: None, Path(folder))
        plate = DoorPlate("a-key")
        door = FrontDoor(make_door(vendors, intake, CollectorRegistry(), lambda: plate), "127.0.0.1", 0)
        tasks = [asyncio.create_task(intake.run())]
        if telling:
            tasks += [asyncio.create_task(ledger.run()), asyncio.create_task(teller.run())]
        await door.start()
        pipe.send(door.port)
        while await asyncio.to_thread(pipe.recv) == "all told?":
            async with asyncio.timeout(DEADLINE_S):
                while await book.untold(utc_now() + timedelta(days=1), [VENDOR]):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            pipe.send("yes")
        await door.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await database.close()

    asyncio.run(serve())


def _ours_alone(folder: str, pipe: Connection) -> None:
    _ours(folder, pipe, telling=False)


def _ours_telling(folder: str, pipe: Connection) -> None:
    _ours(folder, pipe, telling=True)


@contextlib.contextmanager
def _server(target: Callable[..., None], template: Path) -> Iterator[tuple[int, Connection]]:
    """Its port, and the pipe to it."""
    with tempfile.TemporaryDirectory(prefix="pz-bench-") as folder:
        shutil.copy(template, f"{folder}/presszero.sqlite3")
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(target=target, args=(folder, theirs))
        process.start()
        try:
            assert ours.poll(60), "the server did not start"
            yield ours.recv(), ours
        finally:
            with contextlib.suppress(OSError):
                ours.send("end")
            process.join(30)
            process.kill()


def _throughput(template: Path) -> list[dict[str, Any]]:
    rates: dict[str, list[float]] = {"bare": [], "door": [], "whole": [], "told": []}
    with (
        _server(_bare, template) as (bare, _),
        _server(_ours_alone, template) as (door, _),
        _server(_ours_telling, template) as (whole, pipe),
    ):
        for number in range(ROUNDS):
            requests = [request for _, request in _requests(CALLS_A_ROUND, f"round-{number}")]
            rates["bare"].append(asyncio.run(_rate(bare, requests)))
            rates["door"].append(asyncio.run(_rate(door, requests)))
            began = time.perf_counter()
            rates["whole"].append(asyncio.run(_rate(whole, requests)))
            pipe.send("all told?")
            assert pipe.poll(DEADLINE_S), "they were never told"
            pipe.recv()
            rates["told"].append(len(requests) / (time.perf_counter() - began))
    names = {
        "door": "Webhooks checked, kept and answered",
        "whole": "Webhooks answered while they are told into the ledger",
        "told": "Webhooks told into the ledger",
    }
    return [
        {
            "name": f"{name} ({VENDOR}, {CLIENTS} connections), beside bare aiohttp and an insert",
            "figure": statistics.median(rates[key][1:]),
            "unit": "a second",
            "baseline": statistics.median(rates["bare"][1:]),
            "ratio": statistics.median(
                ours / bare for ours, bare in zip(rates[key][1:], rates["bare"][1:], strict=True)
            ),
        }
        for key, name in names.items()
    ]


def _surge_requests(prefix: str) -> list[tuple[float, bytes]]:
    calls = round(CALLS_A_MINUTE * SURGE_S / 60)
    each = list(_requests(calls, prefix))
    per_call = len(each) // calls
    every_s = 60 / CALLS_A_MINUTE
    moved = [(index // per_call * every_s + at / FASTER, told) for index, (at, told) in enumerate(each)]
    return sorted(moved, key=lambda one: one[0])


async def _surge(template: Path) -> tuple[list[float], list[float]]:
    """Milliseconds to the answers of the service, and of the bare one."""
    with tempfile.TemporaryDirectory(prefix="pz-bench-") as name:
        folder, port = Path(name), free_port()
        write_connection(folder / "virtual-pbx" / f"{VENDOR}.json", settings_of(VENDOR))
        async with service_process(folder, {"ASTERISK": "no", "HOOKS_PORT": port}) as service:
            await service.up()
            await asyncio.sleep(2)
            await _open(port, _surge_requests("warm")[:200])
            service_took = await _open(port, _surge_requests("surge"))
    with _server(_bare, template) as (bare_port, _pipe):
        bare_took = await _open(bare_port, _surge_requests("surge"))
    return service_took, bare_took


def run() -> list[dict[str, Any]]:
    """All rows."""
    with tempfile.TemporaryDirectory(prefix="pz-bench-") as folder:
        template = Path(folder) / "template.sqlite3"
        migrate(f"sqlite:///{template}")
        rows = _throughput(template)
        ours, bare = asyncio.run(_surge(template))
    for share, name in ((0.5, "median"), (0.99, "99 of 100 within")):
        figure, baseline = (one[min(len(one) - 1, round(share * len(one)))] for one in (ours, bare))
        rows.append(
            {
                "name": f"Answer to a webhook at a twentyfold surge ({len(ours)} in a minute), {name}",
                "figure": figure,
                "unit": "ms",
                "baseline": baseline,
                "ratio": figure / baseline,
            }
        )
    return rows
