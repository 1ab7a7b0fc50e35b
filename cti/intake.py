"""Where all news of calls comes together: `publish` takes it, one task writes it to the ledger in batches.

Knows the ledger only as a callable; nothing of PBX, menu or bot. What it promises:
- `publish` never blocks and never raises, whatever state the database is in;
- the order of publishing is the order of recording (but for a rest that a shutdown leaves in the file);
- nobody is told of an event (`on_changes`) before the ledger has committed it;
- nothing is lost silently: while the database is away events wait in memory, then in a file, which a later
  start takes up; an event that the ledger cannot take at all goes to a file of its own, with a loud log line.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import structlog

from cti.spill import Spill, SpillUnusable, from_line, to_line
from tickets.database import DatabaseLate, DatabaseTrouble
from tickets.events import CallEvent
from tickets.ledger import CallChange

log = structlog.get_logger()

Record = Callable[[Sequence[CallEvent]], Awaitable[list[CallChange]]]


class Intake:
    """The one way into the ledger."""

    def __init__(
        self,
        record: Record,
        on_changes: Callable[[list[CallChange]], None],
        folder: Path,
        *,
        batch: int = 1000,
        gather_s: float = 0.01,
        hold: int = 50_000,
        retry_first_s: float = 0.05,
        retry_most_s: float = 5.0,
    ) -> None:
        """
        Args:
            record: `CallBook.record`: one transaction with a deadline of its own. `DatabaseTrouble` is
                waited out, however long; any other error means an event that cannot be stored.
            on_changes: is told what was committed, in the event loop; must not block.
            folder: for `waiting-events.jsonl` and `refused-events.jsonl`; made when needed.
            batch: most events in one transaction.
            gather_s: how long the first event waits for others to share its transaction.
            hold: most events in memory; those beyond wait in the file.

        Raises:
            SpillUnusable: events of an earlier start wait in the file, and it cannot be read.
        """
        self._record, self._on_changes = record, on_changes
        self._batch, self._gather_s, self._hold = batch, gather_s, hold
        self._retry_first_s, self._retry_most_s = retry_first_s, retry_most_s
        self._waiting: deque[CallEvent] = deque()
        self._spill = Spill(folder / "waiting-events.jsonl")
        self._refused = folder / "refused-events.jsonl"
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self.trouble: str | None = None  # why the ledger takes nothing now, in a sentence
        self.recorded = 0  # events that the ledger has taken, repeats included
        self.lost = 0  # events that neither the ledger nor the disk would take
        if self._spill:
            self._wake()

    @property
    def waiting(self) -> int:
        """Events in memory that the ledger has not taken yet."""
        return len(self._waiting)

    def publish(self, event: CallEvent) -> None:
        """Take one event; from the event loop's thread."""
        # Once some wait in the file, all later ones queue up behind them: order is kept.
        if self._spill or len(self._waiting) >= self._hold:
            self._put_aside(event)
        else:
            self._waiting.append(event)
        self._wake()

    async def run(self) -> None:
        """Record what is published, until cancelled. What is then still waiting goes to the file."""
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                await asyncio.sleep(self._gather_s)
                while self._waiting or self._spill:
                    await self._one_batch()
                self.trouble = None
                self._idle.set()
        finally:
            self._put_aside_the_rest()

    async def settle(self, deadline_s: float) -> bool:
        """Wait until all that was published is in the ledger; False if it is not so within the deadline."""
        try:
            async with asyncio.timeout(deadline_s):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    def _wake(self) -> None:
        self._idle.clear()
        self._news.set()

    async def _one_batch(self) -> None:
        if self._waiting:
            size = min(self._batch, len(self._waiting))
            await self._recorded([self._waiting[i] for i in range(size)])
            for _ in range(size):
                self._waiting.popleft()
            return
        try:
            lines = self._spill.first(self._batch)
            await self._recorded(self._read(lines))
            self._spill.settled()
        except OSError as error:  # of the file: `_recorded` raises nothing
            self.trouble = str(SpillUnusable(self._spill.path, error))
            log.error(self.trouble, action="intake_file_unusable")  # noqa: TRY400  # the sentence says it all
            await asyncio.sleep(self._retry_most_s)

    def _read(self, lines: list[bytes]) -> list[CallEvent]:
        events = []
        for line in lines:
            try:
                events.append(from_line(line))
            except ValueError:
                if line.strip():
                    log.error(  # noqa: TRY400  # a traceback would say nothing more
                        "A line of waiting events is broken: it is passed over.",
                        action="intake_broken_line",
                        file=self._spill.path.name,
                    )
        return events

    async def _recorded(self, events: Sequence[CallEvent]) -> None:
        """Return once the ledger has the events, however long that takes."""
        pause_s = self._retry_first_s
        while events:
            try:
                changes = await self._record(events)
            except DatabaseTrouble as error:
                if self.trouble is None:
                    log.warning(
                        "The ledger takes nothing: events wait.", action="intake_waits", waiting=self.waiting
                    )
                self.trouble = str(error)
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, self._retry_most_s)
                if isinstance(error, DatabaseLate) and len(events) > 1:
                    await self._in_halves(events)  # a slow database may take fewer in time
                    return
            except Exception as error:  # a mistake of ours in one event must not stop all others
                await self._without_the_bad_one(events, error)
                return
            else:
                if self.trouble is not None:
                    log.info("The ledger takes events again.", action="intake_goes_on", waiting=self.waiting)
                self.trouble = None
                self.recorded += len(events)
                self._tell(changes)
                return

    async def _without_the_bad_one(self, events: Sequence[CallEvent], error: Exception) -> None:
        if len(events) > 1:
            await self._in_halves(events)
            return
        (event,) = events
        log.error(
            "The ledger refuses an event: it is kept in a file.",
            action="intake_refused",
            call_id=event.call_id,
            kind=event.kind,
            error=type(error).__name__,
            file=self._refused.name,
        )
        try:
            self._refused.parent.mkdir(parents=True, exist_ok=True)
            self._refused.touch(mode=0o600)
            with self._refused.open("ab") as file:
                file.write(to_line(event))
        except OSError as trouble:
            self._lose(trouble)

    async def _in_halves(self, events: Sequence[CallEvent]) -> None:
        middle = len(events) // 2
        await self._recorded(events[:middle])
        await self._recorded(events[middle:])

    def _tell(self, changes: list[CallChange]) -> None:
        if not changes:
            return
        try:
            self._on_changes(changes)
        except Exception:  # listeners must not stop the ledger
            log.exception("A listener of call changes failed.", action="intake_listener_failed")

    def _put_aside(self, event: CallEvent) -> None:
        if not self._spill:
            log.warning("Events wait in a file.", action="intake_spills", file=self._spill.path.name)
        try:
            self._spill.put(to_line(event))
        except OSError as error:
            self._lose(error)

    def _put_aside_the_rest(self) -> None:
        # Those in memory are older than those in the file. Their order in the file does not matter to the
        # ledger's truth (`replay` takes any order), and rewriting a long file at the end is a risk.
        while self._waiting:
            self._put_aside(self._waiting.popleft())
        self._spill.close()

    def _lose(self, error: OSError) -> None:
        self.lost += 1
        log.error(
            "An event of a call is lost: the ledger takes none and the disk neither. Free the disk; the "
            "reconciler restores what the PBX's own records hold.",
            action="intake_lost",
            lost=self.lost,
            error=error.strerror,
        )
