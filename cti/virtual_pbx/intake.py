"""The way of facts into the database: kept before the vendor is answered, many in one transaction.

A vendor that gets a 200 never tells it again, so the answer waits for the disk: the database's, or, while
that is away, a file's, which is taken up as soon as the database is back and at the next start. Knows no
vendor and no HTTP.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from cti.spill import Spill
from cti.virtual_pbx.mishaps import place_of
from tickets.database import DatabaseLate, DatabaseTrouble
from tickets.facts import Fact

log = structlog.get_logger()

MOST_GATHERED = 8  # times `gather_s`
BELIEVED_S = 30.0  # that the database takes nothing, when nothing waits that would try it again

Keep = Callable[[Sequence[Fact]], Awaitable[list[Fact]]]
"""`FactBook.keep`."""


class NotKept(Exception):
    """Neither the database nor the disk takes what was told: let the vendor tell it again."""


@dataclass(slots=True)
class _Waiting:
    facts: Sequence[Fact]
    new: "asyncio.Future[int]"  # how many of them were new


class FactIntake:
    """The one way in. Used from one event loop."""

    def __init__(
        self,
        keep: Keep,
        on_kept: Callable[[Sequence[Fact]], None],
        folder: Path,
        *,
        gather_s: float = 0.001,
        batch: int = 400,
        retry_s: float = 1.0,
    ) -> None:
        """
        Args:
            keep: one transaction with a deadline of its own; `DatabaseTrouble` sends the facts to the file.
            on_kept: is told what was new, in the event loop; must not block.
            folder: for `waiting-facts.jsonl` and `refused-facts.jsonl`; made when needed.
            gather_s: how long the first fact waits for others to share its transaction.
            batch: most facts of one transaction.
            retry_s: between two tries while the database is away.

        Raises:
            SpillUnusable: facts of an earlier start wait in the file, and it cannot be read.
        """
        self._keep, self._on_kept = keep, on_kept
        self._spill = Spill(folder / "waiting-facts.jsonl")
        self._refused = folder / "refused-facts.jsonl"
        self._gather_s, self._batch, self._retry_s = gather_s, batch, retry_s
        self._at_once = batch  # lines of the file in one transaction
        self._waiting: list[_Waiting] = []
        self._ended = False
        self._news = asyncio.Event()
        self._away_until = 0.0  # of the loop's clock: the database is not asked before
        self._trouble: str | None = None  # why the database took nothing the last time, in a sentence

    @property
    def trouble(self) -> str | None:
        """Why the database takes nothing of what is told now, in a sentence.

        With the disk full as well nothing waits in the file, and only the next webhook would find out that
        all is well again: a service that is asked for none because it says so must not say so for ever.
        """
        since_s = asyncio.get_running_loop().time() - self._away_until
        return self._trouble if self._spill or since_s < BELIEVED_S else None

    @property
    def behind(self) -> bool:
        """Whether some of what was told waits in the file yet: the database does not have it."""
        return bool(self._spill)

    async def keep(self, facts: Sequence[Fact]) -> int:
        """Return once they are safe: how many were new, as far as that is known by then.

        Raises:
            NotKept: they are not.
        """
        if not facts:
            return 0
        if self._ended:
            raise NotKept("The service ends.")
        waiting = _Waiting(facts, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._news.set()
        return await waiting.new

    async def run(self) -> None:
        """Keep what comes, until cancelled; whoever still waits then is told that it was not kept."""
        try:
            while True:
                pause_s = self._retry_s if self._spill else None
                try:
                    async with asyncio.timeout(pause_s):
                        await self._news.wait()
                    await self._gather()
                except TimeoutError:
                    pass
                self._news.clear()
                while self._waiting:
                    await self._one_batch()
                while self._spill and not self._resting() and not self._waiting:
                    await self._from_the_file()
        finally:
            self._ended = True
            for waiting in self._waiting:
                if not waiting.new.done():
                    waiting.new.set_exception(NotKept("The service ends."))
            self._spill.close()

    async def _gather(self) -> None:
        """Let others share the transaction, as long as some come: a surge gets by with few of them."""
        for _ in range(MOST_GATHERED):
            before = len(self._waiting)
            await asyncio.sleep(self._gather_s)
            if len(self._waiting) == before:
                return

    def _resting(self) -> bool:
        return asyncio.get_running_loop().time() < self._away_until

    async def _one_batch(self) -> None:
        batch: list[_Waiting] = []
        while self._waiting and sum(len(one.facts) for one in batch) < self._batch:
            batch.append(self._waiting.pop(0))
        facts = [fact for one in batch for fact in one.facts]
        new: list[Fact] | None = None
        try:
            new = await self._somewhere_safe(facts)
        except OSError as error:
            log.error(  # noqa: TRY400  # the sentence says it all
                "What a virtual PBX told cannot be kept: free the disk.",
                action="facts_lost",
                error=error.strerror,
            )
        except asyncio.CancelledError:
            self._waiting[:0] = batch
            raise
        fresh = {id(fact) for fact in new or ()}
        for one in batch:
            if one.new.done():  # whoever waited has gone
                continue
            if new is None:
                one.new.set_exception(NotKept("Neither the database nor the disk takes it."))
            else:
                one.new.set_result(sum(id(fact) in fresh for fact in one.facts))

    async def _somewhere_safe(self, facts: list[Fact]) -> list[Fact]:
        """Those that were new, as far as that is known now.

        Raises:
            OSError: the disk takes none.
        """
        try:
            return await self._into_the_database(facts)
        except DatabaseTrouble:
            for fact in facts:
                self._spill.put(fact_line(fact))
            return facts

    async def _into_the_database(self, facts: Sequence[Fact]) -> list[Fact]:
        """Those that were new.

        Raises:
            DatabaseTrouble: keep them again.
            OSError: one that the database refuses does not get into the file of those either.
        """
        if self._resting():
            raise DatabaseTrouble("It was away a moment ago.")
        try:
            new = await self._keep(facts)
        except DatabaseTrouble as error:
            if self._trouble is None:
                log.warning("The database takes no facts: they wait in a file.", action="facts_wait")
            self._trouble = str(error)
            self._away_until = asyncio.get_running_loop().time() + self._retry_s
            if isinstance(error, DatabaseLate):
                self._at_once = max(1, self._at_once // 2)  # a slow database may take fewer in time
            raise
        except Exception as error:
            # A mistake of ours with one of them must not stop the others.
            if len(facts) == 1:
                self._refuse(facts[0], error)
                return []
            middle = len(facts) // 2
            return [
                *await self._into_the_database(facts[:middle]),
                *await self._into_the_database(facts[middle:]),
            ]
        if self._trouble is not None:
            log.info("The database takes facts again.", action="facts_go_on")
        self._trouble = None
        self._at_once = min(self._batch, self._at_once * 2)
        if new:
            self._on_kept(new)
        return new

    def _refuse(self, fact: Fact, error: Exception) -> None:
        log.error(
            "The database refuses what a virtual PBX told: it is kept in a file.",
            action="facts_refused",
            vendor=fact.source,
            file=self._refused.name,
            **place_of(error),
        )
        self._refused.parent.mkdir(parents=True, exist_ok=True)
        self._refused.touch(mode=0o600)
        with self._refused.open("ab") as file:
            file.write(fact_line(fact))

    async def _from_the_file(self) -> None:
        try:
            lines = self._spill.first(self._at_once)
            facts = [fact for line in lines if (fact := _fact_of(line)) is not None]
            if facts:
                await self._into_the_database(facts)
            self._spill.settled()
        except DatabaseTrouble:
            return
        except OSError as error:
            self._trouble = f"{self._spill.path} cannot be read ({error.strerror}): correct its permissions."
            log.error(self._trouble, action="facts_file_unusable")  # noqa: TRY400  # the sentence says it all
            self._away_until = asyncio.get_running_loop().time() + self._retry_s


def fact_line(fact: Fact) -> bytes:
    """A fact as a line of JSON, newline included."""
    told = {
        "source": fact.source,
        "fact_id": fact.fact_id,
        "call_id": fact.call_id,
        "kind": fact.kind,
        "at": fact.at.isoformat(),
        "data": dict(fact.data),
    }
    return json.dumps(told).encode() + b"\n"


def _fact_of(line: bytes) -> Fact | None:
    """None: a line that a killed service left half written."""
    try:
        told: Any = json.loads(line)
        return Fact(
            source=str(told["source"]),
            fact_id=str(told["fact_id"]),
            call_id=str(told["call_id"]),
            kind=str(told["kind"]),
            at=datetime.fromisoformat(told["at"]),
            data=dict(told["data"]),
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        log.error("A line of waiting facts is broken: it is passed over.", action="facts_broken_line")  # noqa: TRY400
        return None
