"""Feeds one parser and watches it: what it raised, how long it took, what memory it kept.

A crash is an exception that the parser's own documentation does not name; a hang, an input that takes longer
than `HANG_S` of the processor's time (of the clock's, other work on the machine would count); a leak, memory
that goes on growing after the parser has warmed up.
"""

import gc
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from tests.fuzz.mutate import Mutator

HANG_S = 1.0
TICKS = 4  # looks at the clock in that time
LEAK_BLOCKS = 20_000  # Python objects, more or less
LEAK_KB = 24 * 1024  # of the process: fragments and caches move it too
SHOWN = 3  # crashes shown in full

Feed = Callable[[bytes, Mutator], None]
"""Give one input to the parser; raises what it raises, and AssertionError where its answer is wrong."""


@dataclass(frozen=True)
class Target:
    """One parser."""

    name: str
    seeds: tuple[bytes, ...]
    words: tuple[bytes, ...]  # that the parser knows
    share: int  # of a million inputs
    start: Callable[[], AbstractContextManager[Feed]]  # brings up what it needs
    documented: tuple[type[Exception], ...] = ()  # what it may raise


@dataclass
class Found:
    """What came of one parser's inputs."""

    name: str
    inputs: int = 0
    crashes: list[str] = field(default_factory=list)
    hangs: int = 0
    slowest_ms: float = 0.0
    blocks: int = 0  # memory kept after the warm-up
    kilobytes: int = 0
    seconds: float = 0.0

    @property
    def leaks(self) -> bool:
        """Whether memory goes on growing."""
        return self.blocks > LEAK_BLOCKS or self.kilobytes > LEAK_KB

    @property
    def well(self) -> bool:
        """Whether the parser stood it."""
        return not (self.crashes or self.hangs or self.leaks)


class Hang(BaseException):
    """An input took too long; no `except Exception` of the parser swallows it."""


def run(target: Target, inputs: int, number: int, *, weigh: bool = True) -> Found:
    """Feed `inputs` inputs, always the same for the same `number`. Main thread only: it uses a signal.

    `weigh`: look for leaks too; in less than some thousand inputs caches still fill and look like one.
    """
    found = Found(target.name)
    mutator = Mutator(target.seeds, target.words, number)
    before = signal.signal(signal.SIGVTALRM, _Watch(found))
    began = time.monotonic()
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, HANG_S / TICKS, HANG_S / TICKS)
        with target.start() as feed:
            _some(target, feed, mutator, inputs // 4, found)
            blocks, kilobytes = _memory() if weigh else (0, 0)
            _some(target, feed, mutator, inputs - inputs // 4, found)
            after = _memory() if weigh else (0, 0)
            found.blocks, found.kilobytes = after[0] - blocks, after[1] - kilobytes
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    found.seconds = time.monotonic() - began
    return found


def _some(target: Target, feed: Feed, mutator: Mutator, inputs: int, found: Found) -> None:
    clock = time.thread_time
    for _ in range(inputs):
        data = mutator.next()
        began = clock()
        try:
            feed(data, mutator)
        except target.documented:
            pass
        except Hang:
            found.hangs += 1
            found.crashes.append(f"hang on {_shown(data)}")
        except Exception:
            where = "".join(traceback.format_exc(limit=-3))
            if len(found.crashes) < SHOWN:
                found.crashes.append(f"{_shown(data)}\n{where}")
            else:
                found.crashes.append("")
        took = (clock() - began) * 1000
        found.slowest_ms = max(found.slowest_ms, took)
        found.inputs += 1


def _shown(data: bytes) -> str:
    return repr(data[:300]) + (f" … {len(data)} bytes" if len(data) > 300 else "")


class _Watch:
    """Told now and then as the processor's time goes by: raises where one input has lasted too long."""

    def __init__(self, found: Found) -> None:
        self._found = found
        self._input, self._ticks = -1, 0

    def __call__(self, _sign: int, _frame: FrameType | None) -> None:
        self._ticks = self._ticks + 1 if self._input == self._found.inputs else 0
        self._input = self._found.inputs
        if self._ticks >= TICKS:
            self._ticks = 0
            raise Hang


def _memory() -> tuple[int, int]:
    """Blocks that Python has handed out, and the process's own share of memory in kB (0 where unknown)."""
    gc.collect()
    blocks = sys.getallocatedblocks()
    try:
        lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    except OSError:
        return blocks, 0
    return blocks, next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
