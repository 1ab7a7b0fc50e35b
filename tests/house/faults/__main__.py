"""`make chaos`: every fault at every moment of a call, over a real PBX; exits 1 if a cell falls short.

With `--hours 24` a day of calls with faults in between instead, see `soak.py`.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

from rich.console import Console

from cti import logs
from cti.asterisk.install import Program, find_asterisk
from tests.fakes.postgres_server import NoPostgres, postgres_server
from tests.house.faults.catalogue import ON_POSTGRES, ON_SQLITE
from tests.house.faults.house import House, create_database, open_house, small_disk
from tests.house.faults.injections import Fault
from tests.house.faults.matrix import Matrix, joined
from tests.house.faults.moments import MOMENTS, Moment, named
from tests.house.faults.picture import svg
from tests.house.faults.run import run
from tests.house.faults.soak import Day, soak
from tests.house.faults.table import show, show_day

OUT = Path("var") / "chaos"
PICTURE = Path("docs") / "faults.svg"
TITLE = "Every fault at every moment of a call"


async def whole(
    console: Console, program: Program, faults: Sequence[Fault], moments: Sequence[Moment]
) -> Matrix:
    """Every fault in the house where it can be; one after the other, all moments of one at once."""
    parts = []
    for postgres in (False, True):
        these = [fault for fault in faults if (fault in ON_POSTGRES) == postgres]
        if not these:
            continue
        try:
            async with _house(program, postgres=postgres) as house:
                for fault in these:
                    part = await run(house, fault, moments)
                    _tell(console, part)
                    parts.append(part)
        except NoPostgres as reason:
            parts.append(Matrix((), {}, {fault.name: str(reason) for fault in these}, {}))
    return joined(parts)


@asynccontextmanager
async def _house(program: Program, *, postgres: bool) -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        # A short path of our own: Asterisk's control socket does not fit into long ones.
        made = tempfile.TemporaryDirectory(prefix="pz-", ignore_cleanup_errors=True)
        folder = Path(stack.enter_context(made))
        database = await asyncio.to_thread(stack.enter_context, _database()) if postgres else None
        mounted = stack.enter_context(small_disk(folder / "data"))
        yield await stack.enter_async_context(
            open_house(program, folder, postgres=database, own_disk=mounted)
        )


@contextmanager
def _database() -> Iterator[tuple[str, Path]]:
    with postgres_server() as url:
        yield create_database(url)


def _tell(console: Console, part: Matrix) -> None:
    for fault in part.faults:
        short = [f"{cell.moment} ({'; '.join(cell.shortcomings())})" for cell in part.short()]
        if fault in part.troubles:
            short.append(part.troubles[fault])
        words = "holds" if part.holds else ", ".join(short) or "calls that nobody made"
        console.print(f"{fault:34} {words}", highlight=False, soft_wrap=True)


def _keep(matrix: Matrix, picture: Path) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "matrix.json").write_text(matrix.to_json())
    picture.write_text(svg(matrix, [moment.name for moment in MOMENTS], TITLE))


def main() -> None:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--fault", action="append", default=[], help="only faults whose name holds this")
    parser.add_argument("--moment", action="append", default=[], help="only these moments")
    parser.add_argument("--hours", type=float, default=0.0, help="a day of so many hours, compressed")
    given = parser.parse_args()
    console = Console() if sys.stdout.isatty() else Console(width=190)  # in a file nothing is cut
    logs.configure("silent")
    program = find_asterisk()
    if program is None:
        console.print("There is no Asterisk: `presszero pbx install` gets one.", style="bold red")
        sys.exit(2)
    if given.hours:
        sys.exit(0 if asyncio.run(_day(console, program, given.hours)).holds else 1)
    faults = [
        fault
        for fault in (*ON_SQLITE, *ON_POSTGRES)
        if not given.fault or any(word in fault.name for word in given.fault)
    ]
    moments = named(given.moment) if given.moment else MOMENTS
    matrix = asyncio.run(whole(console, program, faults, moments))
    show(console, matrix, [moment.name for moment in moments])
    all_of_it = not given.fault and not given.moment
    _keep(matrix, PICTURE if all_of_it else OUT / "part.svg")
    console.print(f"Every figure: {OUT / 'matrix.json'}")
    sys.exit(0 if matrix.holds else 1)


async def _day(console: Console, program: Program, hours: float) -> Day:
    async with _house(program, postgres=False) as house:
        day = await soak(house, hours, lambda line: console.print(line, style="dim", highlight=False))
    show_day(console, day)
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "day.json").write_text(day.to_json())
    return day


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
