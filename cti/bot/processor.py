"""How many cores this process may use, and how busy they are. Reads Linux's own figures; elsewhere fewer.

Two shares are measured and the larger one counts: that of the machine's cores on which we may run (the PBX
beside us fills them too), and that of our own use of what a container allows us. Work at low priority
(`nice`) is not counted: it gives way by itself.
"""

import os
import time
from pathlib import Path

CGROUP_QUOTA = Path("/sys/fs/cgroup/cpu.max")
STAT = Path("/proc/stat")

# Columns of a cpu line in /proc/stat (proc_stat(5)) that stand for work: user, system, irq, softirq, steal.
_WORK = (0, 2, 5, 6, 7)
_COLUMNS = 8  # beyond them stand guests, which are in `user` already


def cores(quota: str = "") -> float:
    """Cores that we may use: those of our affinity, and a container's quota if it is lower.

    Args:
        quota: the text of cgroup v2's `cpu.max`, such as `150000 100000`; empty where there is none.
    """
    ours = float(len(_our_cpus()))
    limit, _, period = quota.strip().partition(" ")
    return min(ours, int(limit) / int(period)) if limit.isdigit() and period.isdigit() else ours


def quota_here() -> str:
    """The container's `cpu.max`; empty outside one."""
    try:
        return CGROUP_QUOTA.read_text()
    except OSError:
        return ""


def busy_and_all(stat: str, cpus: set[int]) -> tuple[int, int]:
    """Ticks of work and of everything, summed over those lines of /proc/stat that belong to `cpus`."""
    busy = total = 0
    for line in stat.splitlines():
        name, *columns = line.split()
        if name[:3] == "cpu" and name[3:].isdigit() and int(name[3:]) in cpus:
            ticks = [int(column) for column in columns[:_COLUMNS]]
            busy += sum(ticks[column] for column in _WORK)
            total += sum(ticks)
    return busy, total


class Processor:
    """Measures from one reading to the next."""

    def __init__(self) -> None:
        self.cores = cores(quota_here())
        self._cpus = _our_cpus()
        self._before = self._now()

    def busy(self) -> float:
        """Share of the cores' time used since the last reading, 0 to 1."""
        wall, own, work, everything = self._before
        self._before = self._now()
        wall_now, own_now, work_now, everything_now = self._before
        ours = (own_now - own) / max(1e-9, (wall_now - wall) * self.cores)
        machine = (work_now - work) / max(1, everything_now - everything)
        return min(1.0, max(ours, machine))

    def _now(self) -> tuple[float, float, int, int]:
        try:
            work, everything = busy_and_all(STAT.read_text(), self._cpus)
        except OSError:  # no Linux: our own share has to do
            work = everything = 0
        return time.monotonic(), time.process_time(), work, everything


def _our_cpus() -> set[int]:
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))
