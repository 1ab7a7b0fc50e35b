"""The whole way of the PBX's news: socket, AMI link, translation, intake, ledger, on both databases."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from sqlalchemy import func, select

from cti.asterisk.ami import AmiLink
from cti.asterisk.events import AmiEvent
from cti.asterisk.translate import Translator
from cti.intake import Intake
from tests.fakes.ami_server import FakeAmi, fake_ami
from tickets.database import Database, migrate, open_database
from tickets.ledger import CallBook, CallChange
from tickets.tables import CallEventRow, TicketRow
from tickets.vocabulary import CallOutcome

pytestmark = pytest.mark.integration

CAPTURE = Path(__file__).parents[2] / "fakes" / "asterisk22.ami"
OUTCOMES = {
    "pz-1795293936.1": CallOutcome.ANSWERED_BY_OPERATOR,
    "pz-1795293941.8": CallOutcome.ABANDONED,
    "pz-1795293945.14": CallOutcome.VOICEMAIL,
    "pz-1795293954.24": CallOutcome.ANSWERED_BY_OPERATOR,
}


class Listener:
    """Knows which calls have ended, as the state was told."""

    def __init__(self) -> None:
        self.outcomes: dict[str, CallOutcome | None] = {}
        self._news = asyncio.Event()

    def changed(self, changes: list[CallChange]) -> None:
        self.outcomes |= {change.call.call_id: change.call.outcome for change in changes if change.call.ended}
        self._news.set()

    async def until_all_ended(self) -> None:
        async with asyncio.timeout(20):
            while self.outcomes.keys() != OUTCOMES.keys():
                self._news.clear()
                await self._news.wait()


async def play(ami: FakeAmi, database: Database, folder: Path, listener: Listener) -> Intake:
    """One life of the service: it hears the capture from beginning to end."""
    intake = Intake(CallBook(database.sessions, deadline_s=10).record, listener.changed, folder)
    translator = Translator(lambda number: number)
    heard_last = asyncio.Event()

    def heard(events: list[AmiEvent]) -> None:
        for event in events:
            for news in translator.translate(event):
                intake.publish(news)
            if news_of_last(event):
                heard_last.set()

    _, _, said = CAPTURE.read_bytes().partition(b"\r\n")
    link = AmiLink(
        "127.0.0.1", ami.port, "presszero", "right", heard, on_up=lambda: ami.say(said), action_within_s=10
    )
    tasks = [asyncio.create_task(intake.run()), asyncio.create_task(link.run())]
    try:
        async with asyncio.timeout(20):
            await heard_last.wait()
        assert await intake.settle(20)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return intake


def news_of_last(event: AmiEvent) -> bool:
    """The caller's hang-up of the last captured call."""
    return type(event).__name__ == "HungUp" and getattr(event, "uniqueid", "") == "pz-1795293954.24"


async def count(database: Database, row: type[CallEventRow | TicketRow]) -> int:
    async with database.sessions() as session:
        return await session.scalar(select(func.count()).select_from(row)) or 0


async def test_it_makes_one_ticket_of_each_call_also_when_all_is_told_again(
    database: Database, tmp_path: Path
) -> None:
    listener = Listener()
    async with fake_ami() as ami:
        await play(ami, database, tmp_path, listener)
        await listener.until_all_ended()
        assert listener.outcomes == OUTCOMES
        events = await count(database, CallEventRow)
        # A second node, or the same after a restart, hears the same.
        again = await play(ami, database, tmp_path, Listener())
        assert again.recorded == events
    assert await count(database, CallEventRow) == events
    assert await count(database, TicketRow) == len(OUTCOMES)


CHILD = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from cti.intake import Intake
from tickets.database import open_database
from tickets.events import CallEvent
from tickets.ledger import CallBook
from tickets.vocabulary import EventKind

def told(changes):
    for change in changes:
        print(change.event.source_id, flush=True)

async def main():
    book = CallBook(open_database(sys.argv[1]).sessions, deadline_s=10)
    intake = Intake(book.record, told, Path(sys.argv[2]))
    running = asyncio.create_task(intake.run())
    for number in range(100_000):
        call_id = f"pz-1795293936.{number // 7}"
        intake.publish(CallEvent("ami", str(number), call_id, datetime.now(UTC), EventKind.MENU_ENTERED))
        if number % 50 == 0:
            await asyncio.sleep(0.001)
    await running

asyncio.run(main())
"""


async def test_it_has_in_the_ledger_whatever_it_told_before_a_kill(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'killed.sqlite3'}"
    await asyncio.to_thread(migrate, url)
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, url, str(tmp_path), stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert child.stdout is not None
    told = []
    async with asyncio.timeout(60):
        async for line in child.stdout:
            told.append(line.decode().strip())
            if len(told) == 1500:
                child.send_signal(signal.SIGKILL)
        await child.wait()
    database = open_database(url)
    try:
        async with database.sessions() as session:
            stored = set(await session.scalars(select(CallEventRow.source_id)))
            calls = await session.scalar(select(func.count(func.distinct(CallEventRow.call_id))))
        assert len(told) >= 1500
        assert set(told) <= stored
        assert await count(database, TicketRow) == calls
    finally:
        await database.close()
