"""The operators' desks: what is told of calls, queues and people comes together in them."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

import structlog

from cti.assembly.frame import Frame
from cti.assembly.pbx import Pbx
from cti.asterisk.events import AmiEvent, StageReached
from cti.customers.orders import OrderDesk
from cti.desk.centre import DeskCentre, Owner, Presences, Tally
from cti.desk.context import Contexts
from cti.desk.snapshot import Reminder
from cti.operators.legs import Asking
from cti.operators.phones import PhoneBook
from cti.waiting.queues import QueuePicture, Waiting
from cti.web.words import phone
from recordings.shelf import RecordingShelf
from tickets.call import Call
from tickets.call_ids import vendor_of
from tickets.caller_file import CallerFiles
from tickets.database import DatabaseTrouble, utc_now
from tickets.desk import Desk
from tickets.ledger import CallChange
from tickets.missed import MissedBook
from tickets.reminders import ReminderBook
from tickets.vocabulary import CallState, EventKind

log = structlog.get_logger()

JUST_ENDED = timedelta(seconds=60)  # calls that are still being written up
_MOVES = frozenset(
    {EventKind.QUEUE_JOINED, EventKind.QUEUE_LEFT, EventKind.OPERATOR_ANSWERED, EventKind.ENDED}
)
LATEST = 100  # calls among which those are looked for
SETTLE_S = 1.0  # a database that is slow just now keeps nobody's desk closed
AT_ONCE = 8  # ledgers that are read


async def lay_out_desks(
    frame: Frame,
    pbx: Pbx,
    presences: Presences,
    desk: Desk,
    shelf: RecordingShelf,
    consulting: Callable[[str], Asking | None],
    phones: PhoneBook,
    tools: Callable[[str], Sequence[str] | None],
) -> DeskCentre:
    """The desks, with the calls that go on since before we began."""
    scenario, files = frame.scenario, CallerFiles(frame.sessions)
    ask_company = None
    if frame.settings.orders_url:
        token = frame.settings.orders_token.get_secret_value()
        orders = await frame.stack.enter_async_context(OrderDesk.connected(frame.settings.orders_url, token))
        ask_company = orders.ask
    missed, reminders = MissedBook(frame.sessions), ReminderBook(frame.sessions)

    async def tally(owner: Owner) -> Tally:
        due = [Reminder(one.ticket, one.text, one.at) for one in await reminders.due(owner.login)]
        return Tally(await missed.count(owner.sight), tuple(due))

    centre = DeskCentre(
        presences,
        lambda: _with_virtual_queues(pbx.queues.picture, frame.live.calls()),
        lambda on_change: Contexts(files.of, shelf.with_audio, ask_company, on_change),
        tally,
        people=lambda: phones.names,
        serves=lambda extension: [
            name
            for name, queue in scenario.queues.items()
            if extension in queue.operators or name in phones.queues_of(extension)
        ],
        show_number=phone,
        consulting=consulting,
        language=scenario.language,
        clock=utc_now,
        tools=tools,
    )

    def look(events: list[AmiEvent]) -> None:
        for event in events:
            if isinstance(event, StageReached):  # whom an operator asks is no news of the ledger's
                centre.calls.call_changed(event.call_id)

    def look_at_virtual_queues(changes: Sequence[CallChange]) -> None:
        if any(vendor_of(change.call.call_id) and change.event.kind in _MOVES for change in changes):
            centre.queues_changed()

    frame.on_changes.append(look_at_virtual_queues)
    frame.on_pbx_events.append(look)
    frame.on_events.append(centre.calls.hear)
    frame.on_changes.append(centre.calls.committed)
    await _restore(frame, centre, desk)

    async def follow_queues() -> None:
        while True:
            await pbx.queues.next()
            centre.queues_changed()

    frame.task("desks", centre.run())
    frame.task("desk_queues", follow_queues())
    return centre


def _with_virtual_queues(picture: QueuePicture | None, calls: Iterable[Call]) -> QueuePicture | None:
    """Asterisk's queues, and who waits in those of virtual PBXs; None while there is neither."""
    elsewhere = tuple(
        Waiting(call.call_id, "", call.queue, 1, call.priority, call.queued_at)
        for call in calls
        if call.state is CallState.QUEUED and call.queue and call.queued_at and vendor_of(call.call_id)
    )
    if picture is None:
        return QueuePicture(utc_now(), elsewhere, ()) if elsewhere else None
    return replace(picture, waiting=(*picture.waiting, *elsewhere))


async def _restore(frame: Frame, centre: DeskCentre, desk: Desk) -> None:
    """Tell the desks what the ledger has of calls under way, and of those that have just ended."""
    await frame.intake.settle(SETTLE_S)  # what was told before anybody listened is in the ledger then
    try:
        ended = await desk.calls(state=CallState.ENDED, limit=LATEST)
    except DatabaseTrouble as error:
        log.warning("The desks begin without calls.", action="desks_unrestored", error=type(error).__name__)
        return
    recent = utc_now() - JUST_ENDED
    calls = [call.call_id for call in frame.live.calls()]
    calls += [
        line.call.call_id for line in ended.items if line.call.ended_at and line.call.ended_at >= recent
    ]
    places = asyncio.Semaphore(AT_ONCE)

    async def restore(call_id: str) -> None:
        try:
            async with places:
                events = await frame.book.events_of(call_id)
        except DatabaseTrouble as error:
            log.warning("A call is not on its desk.", action="desk_unrestored", error=type(error).__name__)
            return
        for event in events:
            centre.calls.hear(event)

    await asyncio.gather(*(restore(call_id) for call_id in calls))
