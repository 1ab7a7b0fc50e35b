"""How many AMI events a second reach the ledger, beside what panoramisk alone parses of the same bytes.

The bytes are a busy time of day: what a real Asterisk 22.10.1 said about four calls
(tests/fakes/asterisk22.ami), told again for many callers whose calls overlap. Ours go the whole way: socket,
AmiLink, typed events, call events, Intake, CallBook on a SQLite file, committed. The baseline reads them from
memory and throws them away.
"""

import asyncio
import random
import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from panoramisk.ami_protocol import AMIProtocol

from cti.asterisk.ami import AmiLink
from cti.asterisk.events import LIVE, AmiEvent
from cti.asterisk.translate import Translator
from cti.intake import Intake
from tickets.database import migrate, open_database
from tickets.ledger import CallBook
from tickets.numbers import normalise_number

CAPTURE = Path(__file__).parents[1] / "tests" / "fakes" / "asterisk22.ami"
BANNER = b"Asterisk Call Manager/11.0.0\r\n"
# How often each of the four happens in a hundred calls.
MIX = {"pz-1795293936.1": 70, "pz-1795293941.8": 14, "pz-1795293945.14": 12, "pz-1795293954.24": 4}
CALLS = 2000
LIVE_AT_ONCE = 40
DEADLINE_S = 120.0

_TIME = re.compile(rb"^Timestamp: (\d+\.\d+)", re.MULTILINE)
_ID = re.compile(rb"pz-(\d+)\.(\d+)")
_FAR_SIDE = re.compile(rb"^(Context: (caller|phones)|Channel: PJSIP/phoneside-.*)\r$", re.MULTILINE)


@dataclass(frozen=True)
class _Pattern:
    """One captured call: when each message came, counted from the call's beginning, and the message."""

    messages: list[tuple[float, bytes]]


def patterns() -> dict[str, _Pattern]:
    """The captured calls by their ids."""
    blocks = CAPTURE.read_bytes().split(b"\r\n\r\n")
    # Without the far ends of the calls, and without lists that somebody had asked for.
    events = [block for block in blocks if _TIME.search(block) and not _FAR_SIDE.search(block + b"\r")]
    patterns = {}
    for call_id in MIX:
        mine = [block for block in events if f"Linkedid: {call_id}\r".encode() in block + b"\r"]
        first, last = (_at(block) for block in (mine[0], mine[-1]))
        # With them what was said of phones and queues meanwhile, as it comes between a real PBX's calls.
        between = [
            block for block in events
            if b"\nLinkedid: " not in block and first <= _at(block) <= last
        ]  # fmt: skip
        timed = sorted((_at(block) - first, block) for block in mine + between)
        patterns[call_id] = _Pattern(timed)
    return patterns


def _at(block: bytes) -> float:
    found = _TIME.search(block)
    assert found is not None
    return float(found[1])


def busy_time(calls: int, *, ledger_only: bool = False) -> bytes:
    """The bytes of that many calls. `ledger_only`: nothing but events of kinds that we have a use for."""
    chance = random.Random(22)
    captured = patterns()
    choices = chance.choices(list(MIX), weights=list(MIX.values()), k=calls)
    said: list[tuple[float, int, bytes]] = []
    for number, call_id in enumerate(choices):
        begin = 1_800_000_000 + number * 5.0 / LIVE_AT_ONCE + chance.random()
        for after, block in captured[call_id].messages:
            if not ledger_only or block[7 : block.index(b"\r")].decode() in LIVE:
                said.append((begin + after, len(said), _of(block, number, begin + after)))
    return b"".join(block + b"\r\n\r\n" for _, _, block in sorted(said))


def _of(block: bytes, number: int, at: float) -> bytes:
    block = _ID.sub(lambda found: b"pz-%d.%d" % (1_800_000_000 + number, int(found[2])), block)
    block = block.replace(b"+18005551111", b"+1800555%04d" % (number % 10_000))
    return _TIME.sub(b"Timestamp: %.6f" % at, block)


def _chunks(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), 65536):  # what a busy socket gives in one read
        yield data[start : start + 65536]


class _Away:
    """Takes what panoramisk parsed and forgets it."""

    forgetable_actions = ()

    def dispatch(self, message: object) -> None:
        """Nothing."""


async def _raw(data: bytes) -> float:
    """Seconds of panoramisk alone."""
    protocol = AMIProtocol()
    protocol.connection_made(None)
    protocol.factory, protocol.encoding = _Away(), "utf8"
    started = time.perf_counter()
    protocol.data_received(BANNER)
    for chunk in _chunks(data):
        protocol.data_received(chunk)
    return time.perf_counter() - started


async def _whole(data: bytes, folder: Path) -> tuple[float, int]:
    """Seconds until the last event is committed, and how many entries the ledger has then."""
    url = f"sqlite+aiosqlite:///{folder / 'bench.sqlite3'}"
    await asyncio.to_thread(migrate, url)
    database = open_database(url)
    entries = 0

    def count(changes: list[object]) -> None:
        nonlocal entries
        entries += len(changes)

    intake = Intake(CallBook(database.sessions, deadline_s=30).record, count, folder)
    translator = Translator(lambda number: normalise_number(number, "US"))
    heard_all = asyncio.Event()
    ends = data.count(b"Event: Hangup\r\n")
    published = 0

    def heard(events: list[AmiEvent]) -> None:
        nonlocal ends, published
        for event in events:
            ends -= type(event).__name__ == "HungUp"
            for news in translator.translate(event):
                intake.publish(news)
                published += 1
        if ends == 0:
            heard_all.set()

    async def pbx(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(BANNER)
        login = await reader.readuntil(b"\r\n\r\n")
        number = next(line for line in login.split(b"\r\n") if line.startswith(b"ActionID"))
        writer.write(b"Response: Success\r\n" + number + b"\r\nMessage: Authentication accepted\r\n\r\n")
        for chunk in _chunks(data):
            writer.write(chunk)
            await writer.drain()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(pbx, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    link = AmiLink("127.0.0.1", port, "presszero", "x", heard, ping_every_s=DEADLINE_S)
    started = time.perf_counter()
    tasks = [asyncio.create_task(intake.run()), asyncio.create_task(link.run())]
    try:
        async with asyncio.timeout(DEADLINE_S):
            await heard_all.wait()
            await intake.settle(DEADLINE_S)
        seconds = time.perf_counter() - started
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        server.close()
        await database.close()
    assert entries == published, f"{published} events were published, the ledger has {entries}"
    return seconds, entries


def _measure(name: str, data: bytes) -> list[dict[str, object]]:
    events = data.count(b"Event: ")

    async def both() -> tuple[float, float, int]:
        with tempfile.TemporaryDirectory() as folder:
            before = await _raw(data)
            seconds, entries = await _whole(data, Path(folder))
            return min(before, await _raw(data)), seconds, entries

    raw_s, whole_s, entries = asyncio.run(both())
    raw, whole = events / raw_s, events / whole_s
    return [
        {"name": name, "figure": round(whole), "unit": "AMI events/s", "baseline": round(raw),
         "ratio": round(whole / raw, 2)},
        {"name": f"{name}: entries of the ledger", "figure": round(entries / whole_s), "unit": "entries/s",
         "baseline": None, "ratio": None},
    ]  # fmt: skip


def run() -> list[dict[str, object]]:
    """Rows of the bench table: figure beside the baseline of raw panoramisk in the same run."""
    return [
        *_measure("AMI into the ledger, a busy time", busy_time(CALLS)),
        *_measure("AMI into the ledger, only what it keeps", busy_time(CALLS, ledger_only=True)),
    ]


if __name__ == "__main__":
    for row in run():
        print(row)
