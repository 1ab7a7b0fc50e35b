"""The matrix in the terminal. Knows rich and the matrix."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tests.house.faults.matrix import Cell, Matrix
from tests.house.faults.soak import Day


def show(console: Console, matrix: Matrix, moments: Sequence[str]) -> None:
    """The table, then each cell that falls short, in words."""
    table = Table("fault", *moments, title="What callers got", header_style="dim", padding=(0, 1))
    for fault in matrix.faults:
        cells = matrix.row(fault)
        table.add_row(fault, *(_cell(cells.get(moment)) for moment in moments))
    console.print(table)
    for cell in matrix.short():
        console.print(
            Text(f"{cell.fault}, {cell.moment}: {'; '.join(cell.shortcomings())}", style="bold red")
        )
    for fault, why in matrix.troubles.items():
        console.print(Text(f"{fault}: could not be tried to its end: {why}", style="bold red"))
    for fault, calls in matrix.ghosts.items():
        if calls:
            words = f"{fault}: the ledger has calls that nobody made: {', '.join(calls)}"
            console.print(Text(words, style="bold red"))
    held = sum(cell.holds for cell in matrix.cells)
    console.print(
        f"{held} of {len(matrix.cells)} cells hold; the slowest caller came to people after "
        f"{matrix.slowest_s():.1f} s.",
        style="bold green" if matrix.holds else "bold red",
    )


def _cell(cell: Cell | None) -> Text:
    if cell is None:
        return Text("?", style="yellow")
    return Text(cell.words(), style="green" if cell.holds else "bold red")


def show_day(console: Console, day: Day) -> None:
    """The figures of a day."""
    table = Table(show_header=False, box=None, padding=(0, 1))
    table.add_row("calls made", str(day.made))
    table.add_row("in the PBX's CDR", str(day.cdr))
    table.add_row("in the ledger", str(day.ledger))
    table.add_row("tickets", str(day.tickets))
    table.add_row("recorded", f"{day.recorded}, and {day.excused} whose ticket says why not")
    table.add_row("faults", f"{sum(day.faults.values())} of {len(day.faults)} kinds")
    table.add_row("lives of the service", str(day.lives))
    table.add_row(
        "memory of its own",
        f"{day.memory_began_mib:.0f} MiB, later {day.memory_ended_mib:.0f} MiB "
        f"in a life of {day.longest_life_s / 60:.0f} min; most {day.memory_most_mib:.0f} MiB",
    )
    table.add_row("real time", f"{day.took_s / 60:.1f} min for {day.hours:g} h")
    console.print(table)
    for difference in day.differences[:50]:
        console.print(Text(difference, style="bold red"))
    if not day.flat:
        console.print(Text("The memory is not flat.", style="bold red"))
    console.print("The books agree." if day.holds else "The day falls short.", style="bold")
