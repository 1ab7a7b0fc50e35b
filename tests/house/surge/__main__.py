"""`make surge`: a steady load, then twenty times as many callers; exits 1 if somebody was lost on the way."""

import argparse
import asyncio
import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from cti.asterisk.install import find_asterisk
from tests.house.surge.callers import MISSING, sipp
from tests.house.surge.picture import draw
from tests.house.surge.plan import Plan, surge_plan
from tests.house.surge.report import as_json, missing, rows
from tests.house.surge.run import cores, run

OUT = Path("var") / "surge"


def main() -> int:
    """Read the arguments, run, print, write."""
    parser = argparse.ArgumentParser(prog="make surge", description=__doc__)
    parser.add_argument("--steady", type=float, default=6.0, help="calls a minute before the surge")
    parser.add_argument("--steady-s", type=int, default=90)
    parser.add_argument("--times", type=int, default=20, help="how many times as many in the surge")
    parser.add_argument("--surge-s", type=int, default=300)
    parser.add_argument("--operators", type=int, default=30)
    parser.add_argument("--talk-s", type=int, default=25)
    parser.add_argument("--picture", type=Path, help="also write the picture there")
    parser.add_argument("--keep", action="store_true", help="leave the house's folder behind")
    chosen = parser.parse_args()
    console = Console()
    program = find_asterisk()
    if program is None:
        console.print("There is no Asterisk: `presszero pbx install` gets one.", style="bold red")
        return 2
    if sipp() is None:
        console.print(f"{MISSING[0].upper()}{MISSING[1:]}.", style="bold red")
        return 2
    plan = surge_plan(
        steady_per_minute=chosen.steady, steady_s=chosen.steady_s, times=chosen.times,
        surge_s=chosen.surge_s, operators=chosen.operators, talk_s=chosen.talk_s,
    )  # fmt: skip
    console.print(_announced(plan))
    folder = Path(tempfile.mkdtemp(prefix="pz-")) if chosen.keep else None
    if folder:
        console.print(f"The house is in {folder}.")
    result = asyncio.run(run(program, plan, folder))
    table = Table(title=f"{plan.callers} callers on {cores()} cores", show_header=False)
    for what, figures in rows(result):
        table.add_row(what, figures)
    console.print(table)
    OUT.mkdir(parents=True, exist_ok=True)
    file = OUT / f"{datetime.now(UTC):%Y%m%d-%H%M%S}.json"
    file.write_text(json.dumps(as_json(result), indent=1))
    for picture in filter(None, (file.with_suffix(".svg"), chosen.picture)):
        picture.write_text(draw(result.moments, _title(plan)))
    console.print(f"Written to {file} and {file.with_suffix('.svg')}")
    for what in missing(result):
        console.print(what, style="bold red")
    return 1 if missing(result) else 0


def _announced(plan: Plan) -> str:
    phases = ", then ".join(
        f"{phase.calls_per_minute:g} calls a minute for {phase.seconds} s" for phase in plan.phases
    )
    return f"{phases}; {plan.operators} operators."


def _title(plan: Plan) -> str:
    steady, surge = plan.phases
    return (
        f"{steady.calls_per_minute:g} calls a minute, then {surge.calls_per_minute:g} "
        f"for {surge.seconds / 60:g} minutes: calls at once by stage"
    )


if __name__ == "__main__":
    sys.exit(main())
