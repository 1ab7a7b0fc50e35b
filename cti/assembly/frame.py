"""What all parts of a running service are built into: its settings, its news, and an orderly end.

Knows no part. A part adds its tasks, opens its doors and asks to be told of news; the frame ends them all,
the last one first.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack

import structlog
from prometheus_client import CollectorRegistry, Gauge, ProcessCollector

from cti.asterisk.events import AmiEvent
from cti.intake import Intake
from cti.live import LiveCalls
from cti.ports import PortTaken, check_port
from cti.settings import Settings
from cti.virtual_pbx.connections import connection_files
from ivr.scenario import Scenario
from tickets.database import Sessions
from tickets.events import CallEvent
from tickets.ledger import CallBook, CallChange
from tickets.numbers import normalise_number

log = structlog.get_logger()

SETTLE_S = 5.0


class Frame:
    """One service while it is put together, and afterwards what ends it."""

    def __init__(
        self, settings: Settings, scenario: Scenario, sessions: Sessions, stack: AsyncExitStack
    ) -> None:
        self.settings, self.scenario, self.sessions, self.stack = settings, scenario, sessions, stack
        self.live = LiveCalls()
        self.registry = _figures()
        self.book = CallBook(sessions)
        self.intake = Intake(self.book.record, self._changed, settings.data / "intake")
        # Why the database does not take what is told, in a sentence; None: it does.
        self.troubles: list[Callable[[], str | None]] = [lambda: self.intake.trouble]
        self.broken = asyncio.Event()  # a part has died: the rest cannot stand in for it
        self.on_events: list[Callable[[CallEvent], None]] = []  # of calls, before the ledger has them
        self.on_changes: list[Callable[[Sequence[CallChange]], None]] = [self.live.changed]
        self.on_pbx_events: list[Callable[[list[AmiEvent]], None]] = []
        self._doors = {
            "http": ("The web page", settings.http_host, settings.http_port, "PRESSZERO_HTTP_PORT"),
        }
        if settings.asterisk:
            self._doors["agi"] = ("FastAGI", settings.agi_host, settings.agi_port, "PRESSZERO_AGI_PORT")
        if settings.asterisk and settings.bot_audio == "audiosocket":
            host, port = settings.audiosocket_host, settings.audiosocket_port
            self._doors["audio"] = ("AudioSocket", host, port, "PRESSZERO_AUDIOSOCKET_PORT")
        hooks = (settings.hooks_host, settings.hooks_port)
        self._doors["hooks"] = ("Webhooks", *hooks, "PRESSZERO_HOOKS_PORT")

    async def begin(self) -> None:
        """Know the calls of before, and record news from now on.

        Raises:
            PortTaken: one of the doors could not be opened later.
            BadConnection: whether a virtual PBX is connected cannot be seen.
        """
        connected = bool(connection_files(self.settings.connections_folder))
        for door, (what, host, port, setting) in self._doors.items():
            if door != "hooks" or connected:  # which is opened when a virtual PBX is connected
                check_port(what, host, port, setting)
        self.live.begin_with(await self.book.unfinished_calls())
        self.task("intake", self.intake.run())
        self.stack.push_async_callback(self._settle)

    def task(self, name: str, work: Coroutine[object, object, object]) -> asyncio.Task[object]:
        """Run beside everything else until the service ends, or whoever began it cancels it."""
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._report_death)

        async def end() -> None:
            task.cancel()
            await asyncio.wait([task])

        self.stack.push_async_callback(end)
        return task

    async def open(self, door: str, start: Awaitable[object], close: Callable[[], Awaitable[object]]) -> None:
        """Open a door, to be closed when the service ends.

        Raises:
            PortTaken: somebody else has the port.
        """
        try:
            await start
        except OSError as error:
            raise PortTaken(*self._doors[door], error) from error
        self.stack.push_async_callback(close)

    def publish(self, event: CallEvent) -> None:
        """Something happens to a call: for the ledger, and at once for who cannot wait for that."""
        self.intake.publish(event)
        for listener in self.on_events:
            try:
                listener(event)
            except Exception:  # whoever tells the news has a call to go on with
                log.exception("A listener of call events failed.", action="event_listener_failed")

    def hear(self, events: list[AmiEvent]) -> None:
        """The PBX tells something."""
        for listener in self.on_pbx_events:
            listener(events)

    def normalise(self, number: str) -> str | None:
        """E.164 of a number as people of the scenario's region write it."""
        return normalise_number(number, self.scenario.region)

    def _changed(self, changes: list[CallChange]) -> None:
        for listener in self.on_changes:
            listener(changes)

    async def _settle(self) -> None:
        if not await self.intake.settle(SETTLE_S):
            log.warning("Events wait in a file for the next start.", action="intake_not_settled")

    def _report_death(self, task: asyncio.Task[object]) -> None:
        if task.cancelled() or task.exception() is None:
            return
        self.broken.set()
        log.critical(
            "A part of the service has died.",
            action="task_died",
            task=task.get_name(),
            exc_info=task.exception(),
        )


def _figures() -> CollectorRegistry:
    """The figures at /metrics: to begin with, what this process holds; whatever leaks shows there."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    tasks = Gauge("presszero_tasks", "Tasks of the event loop.", registry=registry)
    tasks.set_function(lambda: len(asyncio.all_tasks()))
    return registry
