"""A simulated busy day: how long VIPs and others wait, and what the reckoning costs.

The day is that of the property tests (tests/fakes/queue_days.py), only longer. `python -m bench.bench_vip
docs/vip.svg` draws it.
"""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from cti.waiting.ageing import Waiter, changes, in_turn
from ivr.scenario_file import load_scenario
from ivr.vip_rules import Vip
from tests.fakes.app_queue import AppQueue
from tests.fakes.queue_days import Caller, Day, live_through

# Half-hours from 8:00 to 16:00; a load of 1 is just what the operators can do.
LOADS = (0.6, 0.8, 1.0, 1.1, 1.1, 1.0, 0.9, 0.75, 0.8, 0.95, 1.1, 1.15, 1.0, 0.9, 0.7, 0.6)
DAY = Day(seed=2026, operators=20, vip_shares={1: 0.05, 2: 0.03, 3: 0.02}, loads=LOADS)
BIN_S = 1200.0
WAITING = 200  # callers, for the cost of a round
COLOURS = {0: "#8a8f98", 1: "#c98a12", 2: "#c2410c", 3: "#7c3aed"}
NAMES = {0: "others", 1: "VIP level 1", 2: "VIP level 2", 3: "VIP level 3"}


def run() -> list[dict[str, Any]]:
    """Rows for `make bench`; the baseline is the others' wait, and sorting by the time of joining."""
    rules = _shipped()
    waited = [caller for caller in live_through(DAY, rules).done if caller.waited > 0]
    vips = median(caller.waited for caller in waited if caller.vip_level)
    others = median(caller.waited for caller in waited if not caller.vip_level)
    waiters = [Waiter(f"c{n:03}", n, (0, 0, 0, 1, 0, 0, 2)[n % 7]) for n in range(WAITING)]
    queue = AppQueue()
    for waiter in waiters:
        queue.join(waiter.call_id, rules.joining_priority(waiter.vip_level))
    placed = queue.placed()

    def one_round() -> None:
        order = in_turn(waiters, [], rules, now=300)
        changes(placed, [waiter.call_id for waiter in order])

    round_ms = _milliseconds(one_round)
    sort_ms = _milliseconds(lambda: sorted(waiters, key=lambda waiter: waiter.place))
    return [
        _row("VIP's wait on a busy day, median (simulated)", vips, "s", others),
        _row(f"Order of {WAITING} waiting callers and its changes", round_ms, "ms", sort_ms),
    ]


def _row(name: str, figure: float, unit: str, baseline: float) -> dict[str, Any]:
    ratio = figure / baseline
    return {"name": name, "figure": figure, "unit": unit, "baseline": baseline, "ratio": ratio}


def _milliseconds(work: Callable[[], object], times: int = 10) -> float:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return median(took) * 1000


def _shipped() -> Vip:
    return load_scenario(Path("scenarios/lottery.yaml")).vip


def draw(callers: Sequence[Caller]) -> str:
    """The median wait by the time of calling and by level, as SVG."""
    width, height, left, right, bottom, top = 760, 340, 46, 28, 50, 34
    length = DAY.stretch_s * len(DAY.loads)
    curves = {level: list(_curve(callers, level)) for level in COLOURS}
    most = max(wait for curve in curves.values() for _, wait in curve) * 1.08

    def x(at: float) -> float:
        return left + at / length * (width - left - right)

    def y(wait: float) -> float:
        return height - bottom - wait / most * (height - bottom - top)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        'font-family="system-ui, sans-serif" font-size="12" fill="#20262c">',
        "<title>Median wait over a simulated busy day, by VIP level</title>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for minutes in range(0, int(most // 60) + 1, 1 if most < 400 else 2):
        parts.append(f'<path d="M{left} {y(minutes * 60):.1f}H{width - right}" stroke="#e5e7eb"/>')
        parts.append(f'<text x="{left - 6}" y="{y(minutes * 60) + 4:.1f}" text-anchor="end">{minutes}</text>')
    for hour in range(int(length // 3600) + 1):
        at = f'x="{x(hour * 3600):.1f}" y="{height - bottom + 18}"'
        parts.append(f'<text {at} text-anchor="middle">{8 + hour}:00</text>')
    words = "Minutes waited: the median of twenty minutes, by the time of calling"
    parts.append(f'<text x="{left}" y="{height - 8}">{words}</text>')
    for n, (level, curve) in enumerate(curves.items()):
        points = " ".join(f"{x(at):.1f},{y(wait):.1f}" for at, wait in curve)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{COLOURS[level]}" stroke-width="2"/>')
        parts.append(f'<rect x="{left + n * 120}" y="10" width="12" height="12" fill="{COLOURS[level]}"/>')
        parts.append(f'<text x="{left + n * 120 + 18}" y="20">{NAMES[level]}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _curve(callers: Sequence[Caller], level: int) -> Iterator[tuple[float, float]]:
    bins: dict[int, list[float]] = {}
    for caller in callers:
        if caller.vip_level == level:
            bins.setdefault(int(caller.came // BIN_S), []).append(caller.waited)
    for n, waits in sorted(bins.items()):
        yield (n + 0.5) * BIN_S, median(waits)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(draw(live_through(DAY, _shipped()).done), encoding="utf-8")
