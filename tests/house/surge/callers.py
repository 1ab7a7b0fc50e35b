"""The callers: SIPp, one process for each kind and phase, with real RTP and keys as SIP INFO.

SIPp (Debian `sip-tester`) sends each caller's sound as an RTP stream of its own and needs no root for it.
"""

import asyncio
import csv
import itertools
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import jinja2

from cti.demo.network import LINES_HOST
from cti.ports import free_udp_port
from tests.house.surge.plan import PATIENCE_S, Kind, Phase

HERE = Path(__file__).parent
LINE = "+18005550100"
LONGEST_CALL_S = 400  # the queue, an operator, and some air
MISSING = "there is no SIPp; `apt-get install sip-tester` gets it"


def sipp() -> str | None:
    """The program, if it is there."""
    return shutil.which("sipp")


@dataclass(frozen=True, slots=True)
class Told:
    """What SIPp says of its callers at the end."""

    kind: str
    phase: str
    offered: int
    failed: int  # refused, unanswered, or anything but what the caller expected
    retransmissions: int


@dataclass(frozen=True, slots=True)
class Crowd:
    """Callers of one kind in one phase, about to ring."""

    kind: Kind
    phase: Phase
    process: asyncio.subprocess.Process
    statistics: Path

    async def gone(self) -> Told:
        """Wait until the last of them has hung up."""
        try:
            async with asyncio.timeout(self.phase.seconds + LONGEST_CALL_S):
                await self.process.wait()
        finally:
            if self.process.returncode is None:
                self.process.kill()
                await self.process.wait()
        rows = await asyncio.to_thread(_rows, self.statistics)
        last = rows[-1]
        return Told(
            self.kind.name,
            self.phase.name,
            int(last["TotalCallCreated"]),
            int(last["TotalCallCreated"]) - int(last["SuccessfulCall(C)"]),
            int(last["Retransmissions(C)"]),
        )


class Town:
    """Where callers come from: every one has a number of their own, some are VIPs."""

    def __init__(self, folder: Path, sip_address: str, sounds: Path, vips: tuple[str, ...]) -> None:
        self._folder = folder
        self._sip_address = sip_address
        self._sounds = sounds
        self._numbers = _numbers(vips)
        folder.mkdir(parents=True, exist_ok=True)

    async def ring(self, kind: Kind, phase: Phase) -> Crowd | None:
        """Let a phase's callers of one kind begin to ring, evenly spread; None when it has none."""
        count = phase.callers(kind)
        if not count:
            return None
        name = f"{phase.name}-{kind.name}"
        numbers, script, statistics = (self._folder / f"{name}{end}" for end in (".csv", ".xml", ".stat"))
        rows = "".join(f"{number}\n" for number in itertools.islice(self._numbers, count))
        await asyncio.to_thread(numbers.write_text, f"SEQUENTIAL\n{rows}")
        await asyncio.to_thread(script.write_text, self._script(kind))
        process = await asyncio.create_subprocess_exec(
            str(sipp()), self._sip_address, "-sf", str(script), "-inf", str(numbers),
            "-i", LINES_HOST, "-mi", LINES_HOST, "-p", str(free_udp_port(LINES_HOST)),
            # So many in so many milliseconds, and then no more.
            "-r", str(count), "-rp", str(phase.seconds * 1000), "-m", str(count), "-l", str(count),
            "-trace_stat", "-stf", str(statistics), "-fd", "5",
            "-trace_err", "-error_file", str(self._folder / f"{name}.errors"),
            "-aa", "-nostdin", "-cp", str(free_udp_port()), "-deadcall_wait", "2000",
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        return Crowd(kind, phase, process, statistics)

    def _script(self, kind: Kind) -> str:
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "sip"),
            undefined=jinja2.StrictUndefined,
            autoescape=False,  # noqa: S701 -- a script for SIPp, of our own words
        )
        return (
            environment.get_template("caller.xml")
            .render(kind=kind.name, line=LINE, sounds=self._sounds, patience_ms=PATIENCE_S * 1000)
            .strip()
        )


def _numbers(vips: tuple[str, ...]) -> Iterator[str]:
    """One caller in twenty is a VIP; nobody calls twice but VIPs in a very long run."""
    vip = itertools.cycle(vips)
    for n in itertools.count():
        yield next(vip) if n % 20 == 10 else f"+1301{5_550_000 + n:07}"


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines, delimiter=";"))
