"""What takes long is seen to go on (downloads, prompts, models): as a bar for people, as lines in a log."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

Report = Callable[[str, int, int], None]
"""Called with (what is being done, done so far, of how many)."""

log = structlog.get_logger()

LINE_EVERY_S = 10.0


def progress_lines(clock: Callable[[], float] = time.monotonic) -> Report:
    """A line in the log when something begins that takes long, and one every ten seconds while it goes on."""
    said_at: dict[str, float] = {}

    def report(what: str, done: int, total: int) -> None:
        now = clock()
        if done < total and now - said_at.get(what, -LINE_EVERY_S) >= LINE_EVERY_S:
            said_at[what] = now
            log.info(what, action="getting_ready", done=done, of=total)

    return report


@contextmanager
def progress_bar(console: Console) -> Iterator[Report]:
    """A bar for each kind of work that is reported while the block runs."""
    columns = (TextColumn("{task.description:<32}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        tasks: dict[str, TaskID] = {}

        def report(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=total)
            progress.update(tasks[what], completed=done, total=total)

        yield report
