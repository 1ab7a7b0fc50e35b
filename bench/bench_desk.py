"""From the PBX's event to the screen-pop: raw AMI bytes in at a socket, until a desk has it over HTTP.

Twenty calls a second for fifty desks whose streams are open and read. The service is the real one, a process
of its own; PBX and desks are this process, and the time runs from before the event's bytes are written until
the desk's line of JSON is there. The baseline is the same bytes through the same AMI link into a bare
callback, in another process; beside it stands when the ledger has the event, which the pop does not wait for.
"""

import asyncio
import heapq
import json
import multiprocessing
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from multiprocessing.connection import Connection
from pathlib import Path

import aiohttp
import yaml
from argon2 import PasswordHasher

from bench.bench_ami import patterns
from cti.asterisk.ami import AmiLink
from cti.asterisk.events import AmiEvent, OperatorCalled
from cti.asterisk.translate import Translator
from cti.intake import Intake
from tests.fakes.ami_server import FakeAmi, Headers, fake_ami, message
from tests.fakes.scenarios import at_any_hour
from tests.fakes.service_process import service_process
from tickets.accounts import AccountBook
from tickets.customers import CustomerBook
from tickets.database import migrate, open_database
from tickets.ledger import CallBook, CallChange
from tickets.numbers import normalise_number
from tickets.vocabulary import EventKind, Role

DESKS = [str(extension) for extension in range(101, 151)]
CALLS_A_SECOND = 20
COUNTED_S, WARM_S = 20.0, 5.0  # of the first seconds nothing is counted
CUSTOMERS = 500
CALL = "pz-1795293936.1"  # of the capture: menu, queue, operator
RING_S, TALK_S = 1.2, 0.4  # a phone that rings again each 2.5 s has to be free by then
DEADLINE_S = 120.0
CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
PASSWORD = "correct horse battery"  # noqa: S105 -- of accounts that live as long as the measurement

_TIME = re.compile(rb"^Timestamp: [\d.]+", re.MULTILINE)
_ID = re.compile(rb"pz-\d+\.(\d+)")
_RINGING = re.compile(rb'"call":\{"call_id":"([^"]+)".{0,60}?"state":"ringing"')


def _calls(count: int) -> Iterator[tuple[float, str | None, bytes]]:
    """What the PBX says, in order: seconds from the beginning, the call whose phone rings now, the bytes."""
    pattern = patterns()[CALL]
    ring, answer = (
        next(at for at, block in pattern.messages if block.startswith(b"Event: " + name))
        for name in (b"AgentCalled", b"QueueCallerLeave")
    )
    end = pattern.messages[-1][0]
    base = int(time.time())
    said: list[tuple[float, int, str | None, bytes]] = []
    for number in range(count):
        call, desk = b"pz-%d" % (base + number), DESKS[number % len(DESKS)].encode()
        for at, block in pattern.messages:
            ringing = (min(at, answer) - ring) / (answer - ring) * RING_S
            talking = (at - answer) / (end - answer) * TALK_S
            after = at if at <= ring else ring + ringing + max(0.0, talking)
            block = _ID.sub(lambda found, call=call: call + b"." + found[1], block)
            block = block.replace(b"PJSIP/101", b"PJSIP/" + desk)
            block = block.replace(b"+18005551111", b"+1202555%04d" % (number % CUSTOMERS))
            rings = (call + b".1").decode() if block.startswith(b"Event: AgentCalled") else None
            heapq.heappush(said, (number / CALLS_A_SECOND + after, len(said), rings, block))
    while said:
        at, _, rings, block = heapq.heappop(said)
        yield at, rings, block + b"\r\n\r\n"


async def _play(ami: FakeAmi, seconds: float) -> dict[str, int]:
    """Let the calls happen; when the bytes of each call's ring were written, monotonic nanoseconds."""
    written: dict[str, int] = {}
    began = time.monotonic()
    for at, rings, data in _calls(round(seconds * CALLS_A_SECOND)):
        if (early := began + at - time.monotonic()) > 0:
            await asyncio.sleep(early)
        stamped = _TIME.sub(b"Timestamp: %.6f" % time.time(), data)
        if rings is not None:
            written[rings] = time.monotonic_ns()
        ami.say(stamped)
    return written


def _answers(ami: FakeAmi) -> None:
    """Of a PBX with fifty operators: their seats, and yes to whatever it is told."""

    def seats(headers: Headers) -> bytes:
        number = headers["ActionID"]
        parts = [message(("Response", "Success"), ("ActionID", number), ("EventList", "start"))]
        for desk in DESKS:
            phone = f"PJSIP/{desk}"
            seat = {
                "Queue": "support",
                "Name": phone,
                "Location": phone,
                "Status": 1,
                "Paused": 0,
                "InCall": 0,
            }
            parts.append(message(("Event", "QueueMember"), ("ActionID", number), *seat.items()))
        end = message(("Event", "QueueStatusComplete"), ("ActionID", number), ("EventList", "Complete"))
        return b"".join([*parts, end])

    def refused(headers: Headers) -> bytes:
        return message(("Response", "Error"), ("ActionID", headers["ActionID"]), ("Message", "not now"))

    def done(headers: Headers) -> bytes:
        return message(("Response", "Success"), ("ActionID", headers["ActionID"]), ("Value", ""))

    ami.answers["QueueStatus"] = seats
    ami.answers["CoreShowChannels"] = refused  # else the reconciler ends calls without channels
    for name in ("Getvar", "Setvar", "QueuePause"):
        ami.answers[name] = done


def _scenario(folder: Path) -> Path:
    content = at_any_hour()
    content["operators"] = {desk: f"Operator {desk}" for desk in DESKS}
    for queue in content["queues"].values():
        queue["operators"] = DESKS
    path = folder / "fifty.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


async def _people(database: Path) -> list[str]:
    """Accounts and customers; the tokens of the accounts' logins."""
    opened = open_database(f"sqlite+aiosqlite:///{database}")
    accounts = AccountBook(opened.sessions, deadline_s=20, hasher=CHEAP)
    customers = CustomerBook(opened.sessions, deadline_s=20)
    tokens = []
    for desk in DESKS:
        await accounts.add(f"op{desk}", PASSWORD, Role.OPERATOR, f"Operator {desk}", extension=desk)
        tokens.append(await accounts.authenticate(f"op{desk}", PASSWORD))
    for number in range(CUSTOMERS):
        await customers.add(f"Customer {number}", [f"+1202555{number:04d}"])
    await opened.close()
    return tokens


async def _watch(address: str, token: str, popped: dict[str, int], open_: Callable[[], None]) -> None:
    """One desk: note when each ringing call is there."""
    headers = {"Authorization": f"Bearer {token}"}
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout, read_bufsize=1 << 18) as client:
        while True:
            async with client.get(f"{address}/desk/stream") as stream:
                if stream.status == 503:  # as a page does that is told to come again
                    await asyncio.sleep(0.5)
                    continue
                assert stream.status == 200, await stream.text()
                async for line in stream.content:
                    if line.startswith(b"data: {"):
                        now = time.monotonic_ns()
                        open_()
                        if found := _RINGING.search(line):
                            popped.setdefault(found[1].decode(), now)


async def _pops() -> list[float]:
    """Milliseconds from each ring's bytes to its desk."""
    popped: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="pz-bench-") as name:
        folder = Path(name)
        async with AsyncExitStack() as stack:
            ami = await stack.enter_async_context(fake_ami())
            _answers(ami)
            settings = {"AMI_PORT": ami.port, "AMI_SECRET": ami.secret, "SCENARIO": _scenario(folder)}
            service = await stack.enter_async_context(service_process(folder, settings))
            await service.up()
            tokens = await _people(service.database)
            there, seen = asyncio.Event(), set[str]()

            def open_(token: str) -> None:
                seen.add(token)
                if len(seen) == len(tokens):
                    there.set()

            address = f"http://127.0.0.1:{service.http_port}"
            desks = [
                asyncio.create_task(_watch(address, token, popped, lambda token=token: open_(token)))
                for token in tokens
            ]
            async with asyncio.timeout(DEADLINE_S):
                opened = asyncio.create_task(there.wait())
                done, _ = await asyncio.wait([opened, *desks], return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
                written = await _play(ami, WARM_S + COUNTED_S)
                await asyncio.sleep(1)
            for task in desks:
                task.cancel()
            await asyncio.gather(*desks, return_exceptions=True)
    return _between(written, popped)


def _between(written: dict[str, int], met: dict[str, int]) -> list[float]:
    counted = list(written)[round(WARM_S * CALLS_A_SECOND) :]
    lost = [call for call in counted if call not in met]
    assert not lost, f"{len(lost)} of {len(counted)} rings never arrived"
    return sorted((met[call] - written[call]) / 1e6 for call in counted)


def _bare(port: int, secret: str, folder: str | None, pipe: Connection) -> None:
    """Another process: note when each ring is heard; with a folder, when the ledger there has it."""
    met: dict[str, int] = {}

    async def listen() -> None:
        translator = Translator(lambda number: normalise_number(number, "US"))
        intake: Intake | None = None
        tasks: list[asyncio.Task[None]] = []

        def heard(events: list[AmiEvent]) -> None:
            now = time.monotonic_ns()
            for event in events:
                if intake is None and isinstance(event, OperatorCalled):
                    met[event.uniqueid] = now
                elif intake is not None:
                    for news in translator.translate(event):
                        intake.publish(news)

        def committed(changes: list[CallChange]) -> None:
            now = time.monotonic_ns()
            for change in changes:
                if change.event.kind is EventKind.OPERATOR_RINGING:
                    met[change.call.call_id] = now

        if folder is not None:
            database = open_database(f"sqlite+aiosqlite:///{folder}/bench.sqlite3")
            intake = Intake(CallBook(database.sessions, deadline_s=30).record, committed, Path(folder))
            tasks.append(asyncio.create_task(intake.run()))
        link = AmiLink("127.0.0.1", port, "presszero", secret, heard)
        tasks.append(asyncio.create_task(link.run()))
        await asyncio.to_thread(pipe.recv)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(listen())
    pipe.send(met)


async def _baseline(folder: str | None) -> list[float]:
    if folder is not None:
        await asyncio.to_thread(migrate, f"sqlite:///{folder}/bench.sqlite3")
    async with fake_ami() as ami:
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(
            target=_bare, args=(ami.port, ami.secret, folder, theirs)
        )
        process.start()
        try:
            async with asyncio.timeout(DEADLINE_S):
                while not ami.logins:  # noqa: ASYNC110 -- it tells nobody
                    await asyncio.sleep(0.05)
                written = await _play(ami, WARM_S + COUNTED_S)
                await asyncio.sleep(1)
                ours.send("end")
                met: dict[str, int] = await asyncio.to_thread(ours.recv)
        finally:
            process.join(10)
            process.kill()
    return _between(written, met)


def _at(sorted_ms: list[float], share: float) -> float:
    return sorted_ms[min(len(sorted_ms) - 1, int(len(sorted_ms) * share))]


def run() -> list[dict[str, object]]:
    """Median, 95 % and 99 % of the pop and of the ledger's commit, each beside the bare callback."""
    bare = asyncio.run(_baseline(None))
    with tempfile.TemporaryDirectory(prefix="pz-bench-") as folder:
        ledger = asyncio.run(_baseline(folder))
    pops = asyncio.run(_pops())
    shares = (("median", 0.5), ("95 %", 0.95), ("99 %", 0.99), ("slowest", 1.0))
    return [
        {
            "name": f"{what}, {CALLS_A_SECOND} calls/s: {name}",
            "figure": round(_at(times, share), 2),
            "unit": "ms",
            "baseline": round(_at(bare, share), 2),
            "ratio": round(_at(times, share) / _at(bare, share), 1),
        }
        for what, times in ((f"Event to pop on {len(DESKS)} desks", pops), ("Event to ledger", ledger))
        for name, share in shares
    ]


if __name__ == "__main__":
    for row in run():
        print(json.dumps(row))
