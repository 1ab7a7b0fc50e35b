"""`make fuzz`: every parser fed with spoilt inputs, a million in all; fails where one gave way.

python -m tests.fuzz [--inputs 1000000] [--number 1] [--only "AMI events"]
"""

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

from rich.console import Console
from rich.table import Table

from tests.fuzz.runner import Found
from tests.fuzz.targets import ALL, feed_one, keep_quiet


def main() -> int:
    """Run, tell, and say whether all is well."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--inputs", type=int, default=1_000_000, help="in all")
    arguments.add_argument("--number", type=int, default=1, help="another number, other inputs")
    arguments.add_argument("--only", choices=list(ALL), help="this parser alone")
    wanted = arguments.parse_args()
    names = [wanted.only] if wanted.only else sorted(ALL, key=lambda name: -ALL[name].share)
    whole = sum(ALL[name].share for name in names)
    counts = {name: max(100, -(-wanted.inputs * ALL[name].share // whole)) for name in names}
    console = Console(width=110)
    found: list[Found] = []
    with ProcessPoolExecutor(
        min(2, os.cpu_count() or 1), mp_context=get_context("spawn"), initializer=keep_quiet
    ) as pool:
        jobs = [pool.submit(feed_one, name, counts[name], wanted.number) for name in names]
        for job in as_completed(jobs):
            found.append(job.result())
            console.print(f"{found[-1].name}: {found[-1].inputs:,} inputs in {found[-1].seconds:.0f} s")
    console.print(_table(sorted(found, key=lambda one: names.index(one.name))))
    for each in found:
        for crash in filter(None, each.crashes):
            console.print(f"\n{each.name}: {crash}", markup=False, highlight=False)
    return 0 if all(each.well for each in found) else 1


def _table(found: list[Found]) -> Table:
    table = Table(title="Fuzzing")
    for heading in ("parser", "inputs", "crashes", "hangs", "slowest input", "objects kept", "memory kept"):
        table.add_column(heading, justify="left" if heading == "parser" else "right")
    for each in found:
        table.add_row(
            each.name,
            f"{each.inputs:,}",
            str(len(each.crashes) - each.hangs),
            str(each.hangs),
            f"{each.slowest_ms:.1f} ms",
            f"{each.blocks:+,}",
            f"{each.kilobytes / 1024:+.1f} MB",
        )
    table.add_row("all", f"{sum(each.inputs for each in found):,}", *[""] * 5)
    return table


if __name__ == "__main__":
    sys.exit(main())
