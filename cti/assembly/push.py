"""Other help desks are told of our calls."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
import structlog

from cti.assembly.frame import Frame
from cti.virtual_pbx.push.sender import JOB, OLD, PushOutbox, PushSender
from cti.virtual_pbx.push.settings import FILE, PushSettings, read_push
from cti.virtual_pbx.settings import BadConnection
from tickets.database import DatabaseTrouble, utc_now
from tickets.desk import Desk
from tickets.jobs import JobQueue, Worker
from tickets.paging import LARGEST_PAGE
from tickets.vocabulary import CallState

log = structlog.get_logger()

LOOK_S = 2.0  # for settings that were written anew
LONGEST_CALL = timedelta(hours=4)
RETRY_S = 5.0  # between two tries while the database is away
AT_ONCE = 4  # messages on their way
LEASE_S = 30.0


async def tell_other_desks(frame: Frame, people: Mapping[str, str]) -> None:
    """Push, to whoever the settings name; nobody, at first, costs nothing but a look at a file.

    Raises:
        BadConnection: the file makes no sense.
    """
    folder = frame.settings.connections_folder
    kept = [await asyncio.to_thread(read_push, folder)]
    jobs = JobQueue(frame.sessions)
    session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), headers={"User-Agent": "PressZero"})
    await frame.stack.enter_async_context(session)
    sender = PushSender(jobs, lambda: kept[0], session, utc_now)
    worker = Worker(jobs, {JOB: sender.handle}, concurrency=AT_ONCE, lease_s=LEASE_S)
    outbox = PushOutbox(jobs, lambda: kept[0], lambda: people, worker.hint, utc_now)
    frame.on_changes.append(outbox.changed)
    frame.task("push_outbox", outbox.run())
    frame.task("push", worker.run())
    frame.task("push_settings", _follow(frame, kept))
    if kept[0].targets:
        frame.task("push_catch_up", _catch_up(frame, outbox))


async def _catch_up(frame: Frame, outbox: PushOutbox) -> None:
    """Calls whose messages may not have been asked for when we were killed: those under way, and those that
    ended so lately that they are news still.
    """
    under_way, began = [call.call_id for call in frame.live.calls()], utc_now()
    while utc_now() - began < OLD:
        try:
            ended = await ended_since(Desk(frame.sessions), began - OLD)
            for call_id in [*under_way, *ended]:
                await outbox.catch_up([await frame.book.events_of(call_id)])
        except DatabaseTrouble as trouble:
            log.warning("Other help desks are told later.", action="push_waits", why=str(trouble))
            await asyncio.sleep(RETRY_S)
        else:
            return


async def ended_since(desk: Desk, since: datetime, at_once: int = LARGEST_PAGE) -> list[str]:
    """Ids of all calls that ended since then.

    Raises:
        DatabaseTrouble: ask again.
    """
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = await desk.calls(
            state=CallState.ENDED, since=since - LONGEST_CALL, cursor=cursor, limit=at_once
        )
        found += [one.call.call_id for one in page.items if one.call.ended_at and one.call.ended_at >= since]
        cursor = page.next_cursor
        if cursor is None:
            return found


async def _follow(frame: Frame, kept: list[PushSettings]) -> None:
    """Take over what `presszero push` writes anew."""
    file = frame.settings.connections_folder / FILE
    seen = await asyncio.to_thread(_age, file)
    while True:
        await asyncio.sleep(LOOK_S)
        if (now := await asyncio.to_thread(_age, file)) == seen:
            continue
        seen = now
        try:
            kept[0] = await asyncio.to_thread(read_push, file.parent)
            log.info("To whom calls are told was read anew.", action="push_read",
                     targets=sorted(kept[0].targets))  # fmt: skip
        except BadConnection as error:
            log.error(str(error), action="connection_bad")  # noqa: TRY400  # the sentence says it all


def _age(file: Path) -> int | None:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return None
