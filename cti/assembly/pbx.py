"""The PBX's side: the AMI link, what its events mean, the picture of the queues, and the reconciler."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from cti.assembly.frame import Frame
from cti.asterisk.ami import AmiLink, AmiUnreachable
from cti.asterisk.embedded import keep_secrets
from cti.asterisk.events import AmiEvent
from cti.asterisk.queue_watch import QueueWatch
from cti.asterisk.reconciler import Reconciler
from cti.asterisk.translate import Translator
from cti.live import LiveCalls
from ivr.scenario import Scenario
from tickets.call import Call
from tickets.database import DatabaseTrouble

log = structlog.get_logger()

LEVEL_EVERY_S = 5.0  # without an Asterisk that tells every node: what another one was told is seen by then
LEVEL_S = 1.0  # before the ledger is compared with the PBX; a busy one never comes to rest


@dataclass(frozen=True, slots=True)
class Pbx:
    """How the other parts reach the PBX."""

    link: AmiLink
    queues: QueueWatch
    on_up: list[Callable[[], None]]  # called whenever the link is up again


async def join_pbx(frame: Frame) -> Pbx:
    """Connect, if the PBX is there; otherwise go on trying. Where there is no Asterisk, its link stays down.

    Raises:
        AmiLoginRefused: the PBX does not know us.
    """
    settings, live, book = frame.settings, frame.live, frame.book
    translator = Translator(frame.normalise)
    link = AmiLink(
        settings.ami_host,
        settings.ami_port,
        settings.ami_username,
        settings.ami_secret.get_secret_value() or _embedded_secret(settings.data, frame.scenario),
        frame.hear,
        on_up=lambda: came_up(),
    )
    queues = QueueWatch(link)
    reconciler = Reconciler(
        link,
        translator,
        lambda: live.level(book.unfinished_calls),
        book.calls_among,
        book.events_of,
        lambda: frame.intake.settle(LEVEL_S),
        frame.publish,
        settings.cdr_file,
        frame.normalise,
    )

    on_up: list[Callable[[], None]] = [translator.deaf, reconciler.wake, queues.wake]

    def came_up() -> None:
        for wake in on_up:
            wake()

    def into_the_ledger(events: list[AmiEvent]) -> None:
        for event in events:
            for news in translator.translate(event):
                frame.publish(news)

    frame.on_pbx_events += [queues.hear, into_the_ledger]
    if not settings.asterisk:
        frame.task("level", keep_level(live, book.unfinished_calls))
        return Pbx(link, queues, on_up)
    with contextlib.suppress(AmiUnreachable):  # calls are served without it; run() goes on trying
        await link.connect()
    frame.task("ami", link.run())
    frame.task("reconciler", reconciler.run())
    frame.task("queues", queues.run())
    return Pbx(link, queues, on_up)


async def keep_level(
    live: LiveCalls, unfinished: Callable[[], Awaitable[list[Call]]], every_s: float = LEVEL_EVERY_S
) -> None:
    """Compare the live calls with the ledger, until cancelled: what Asterisk's reconciler does where it is.

    Another node may have told the ledger of a call's end, or of a call: nobody else tells us that.
    """
    trouble = ""
    while True:
        try:
            await live.level(unfinished)
            trouble = ""
        except DatabaseTrouble as error:
            if type(error).__name__ != trouble:
                log.warning("Live calls are not compared with the ledger now.", action="level_waits",
                            error=type(error).__name__)  # fmt: skip
            trouble = type(error).__name__
        await asyncio.sleep(every_s)


def _embedded_secret(data: Path, scenario: Scenario) -> str:
    """No secret given: that of the embedded PBX in the same data folder."""
    return keep_secrets(data / "pbx-secrets.json", list(scenario.operators)).ami
