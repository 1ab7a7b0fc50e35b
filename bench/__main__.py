"""`make bench`: every benchmark, a table for people, JSON in bench/results/ for whoever compares runs.

Each row has a figure, its unit, and the baseline measured in the same run; the ratio survives a slow machine.
Name some (`python -m bench ami bot`) to run only these.
"""

import importlib
import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

ALL = (
    "ami",
    "desk",
    "recognisers",
    "understanding",
    "operator",
    "bot",
    "barge_in",
    "capacity",
    "service",
    "vip",
    "webhooks",
)
RESULTS = Path(__file__).parent / "results"


def main(names: list[str]) -> None:
    """Run, print, write."""
    console = Console()
    rows: list[dict[str, Any]] = []
    for name in names:
        console.print(f"[dim]Measuring: {name} …[/]")
        rows += importlib.import_module(f"bench.bench_{name}").run()
    table = Table(title=f"PressZero on {os.cpu_count()} cores, Python {platform.python_version()}")
    table.add_column("What")
    table.add_column("Figure", justify="right")
    table.add_column("")
    table.add_column("Baseline", justify="right")
    table.add_column("Ratio", justify="right")
    for row in rows:
        numbers = [_short(row[name]) for name in ("figure", "baseline", "ratio")]
        table.add_row(row["name"], numbers[0], row["unit"], *numbers[1:])
    console.print(table)
    RESULTS.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    file = RESULTS / f"{now:%Y%m%d-%H%M%S}.json"
    file.write_text(json.dumps({"at": now.isoformat(), "cores": os.cpu_count(), "rows": rows}, indent=1))
    console.print(f"Written to {file.relative_to(Path.cwd())}")


def _short(value: object) -> str:
    return (
        f"{value:,.3g}"
        if isinstance(value, float) and abs(value) < 1000
        else (f"{value:,.0f}" if isinstance(value, int | float) else "" if value is None else str(value))
    )


if __name__ == "__main__":
    chosen = sys.argv[1:] or list(ALL)
    unknown = [name for name in chosen if name not in ALL]
    if unknown:
        sys.exit(f"There is no benchmark {', '.join(unknown)}: choose among {', '.join(ALL)}.")
    main(chosen)
