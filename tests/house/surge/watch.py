"""Looks at the house every second while it works: calls by stage, processor, memory. Knows no callers."""

import asyncio
import contextlib
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

EVERY_S = 1.0
STAGES = ("menu", "bot", "queued", "talking", "voicemail")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Moment:
    """One look."""

    at_s: float  # since the watch began
    stages: Mapping[str, int]  # live calls by stage; who still rings counts as in the menu
    surge: bool
    ceiling: int  # of bot conversations
    cpu: Mapping[str, float]  # cores used since the last look, by process
    memory_mb: Mapping[str, float]
    files: Mapping[str, int]  # open ones, sockets included

    @property
    def calls(self) -> int:
        """All of them."""
        return sum(self.stages.values())


@dataclass
class Watch:
    """Collects moments until cancelled."""

    address: str  # of the metrics
    pids: Mapping[str, int]
    moments: list[Moment] = field(default_factory=list)
    missed: int = 0  # looks at which the service did not answer in time

    async def run(self) -> None:
        """Look every second."""
        began = time.monotonic()
        used, at = {name: cpu_s(pid) for name, pid in self.pids.items()}, began
        timeout = aiohttp.ClientTimeout(total=5)
        async with aiohttp.ClientSession(timeout=timeout) as client:
            while True:
                await asyncio.sleep(EVERY_S)
                try:
                    async with client.get(self.address) as answer:
                        figures = read_figures(await answer.text())
                except (aiohttp.ClientError, TimeoutError):
                    self.missed += 1
                    continue
                now = time.monotonic()
                uses = {name: cpu_s(pid) for name, pid in self.pids.items()}
                cpu = {name: (uses[name] - used[name]) / (now - at) for name in uses}
                used, at = uses, now
                memory = {name: memory_mb(pid) for name, pid in self.pids.items()}
                files = {name: open_files(pid) for name, pid in self.pids.items()}
                self.moments.append(
                    Moment(now - began, figures.stages, figures.surge, figures.ceiling, cpu, memory, files)
                )


@dataclass(frozen=True, slots=True)
class Figures:
    """What the service says of itself."""

    stages: Mapping[str, int]
    surge: bool
    ceiling: int
    waits: Mapping[str, float]  # utterances by upper bound of the wait, cumulative
    refused: int


def read_figures(text: str) -> Figures:
    """Prometheus text into the figures that a run wants."""
    stages = dict.fromkeys(STAGES, 0)
    waits: dict[str, float] = {}
    single: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "presszero_live_calls":
                state = sample.labels["state"]
                stage = "menu" if state == "ringing" else state
                stages[stage] = stages.get(stage, 0) + int(sample.value)
            elif sample.name == "presszero_recogniser_wait_seconds_bucket":
                waits[sample.labels["le"]] = sample.value
            else:
                single[sample.name] = sample.value
    return Figures(
        stages,
        bool(single["presszero_surge"]),
        int(single["presszero_bot_ceiling"]),
        waits,
        int(single["presszero_bot_refused_total"]),
    )


async def ask(address: str) -> Figures:
    """One look at the figures alone."""
    timeout = aiohttp.ClientTimeout(total=5)
    async with aiohttp.ClientSession(timeout=timeout) as client, client.get(address) as answer:
        return read_figures(await answer.text())


def cpu_s(pid: int) -> float:
    """Processor seconds that a process and its ended children have used; 0 for one that is gone."""
    with contextlib.suppress(OSError):
        columns = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(int(column) for column in columns[11:15]) / _TICKS
    return 0.0


def open_files(pid: int) -> int:
    """Files and sockets that a process holds open; 0 for one that is gone."""
    with contextlib.suppress(OSError):
        return len(os.listdir(f"/proc/{pid}/fd"))
    return 0


def memory_mb(pid: int) -> float:
    """Memory in use by a process; 0 for one that is gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0.0
