"""Other help desks are told of our calls."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import aiohttp
import structlog

from cti.assembly.frame import Frame
from cti.virtual_pbx.push.sender import JOB, PushOutbox, PushSender
from cti.virtual_pbx.push.settings import FILE, PushSettings, read_push
from cti.virtual_pbx.settings import BadConnection
from tickets.database import DatabaseTrouble, utc_now
from tickets.desk import Desk
from tickets.events import CallEvent
from tickets.jobs import JobQueue, Worker
from tickets.vocabulary import CallState

log = structlog.get_logger()

LOOK_S = 2.0  # for settings that were written anew
JUST_ENDED = timedelta(minutes=10)  # calls whose messages may not have been asked for when we were killed
LATEST = 200
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
        await outbox.catch_up(await _recent(frame))


async def _recent(frame: Frame) -> list[Sequence[CallEvent]]:
    """Ledgers of calls under way, and of those that have just ended."""
    try:
        ended = await Desk(frame.sessions).calls(state=CallState.ENDED, limit=LATEST)
        since = utc_now() - JUST_ENDED
        calls = [call.call_id for call in frame.live.calls()]
        calls += [one.call.call_id for one in ended.items if one.call.ended_at and one.call.ended_at >= since]
        return [await frame.book.events_of(call_id) for call_id in calls]
    except DatabaseTrouble as trouble:
        log.warning("Other help desks may miss calls.", action="push_uncaught", why=str(trouble))
        return []


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
