"""The life of the service as a process: from its start to its last caller.

Signals, readiness, systemd and the guard; what the service is made of is `cti.app`'s business.

    starting ─→ at work ─→ ending ─→ gone
                             │ SIGTERM, SIGINT: not ready, no new bot calls, who talks may finish
                             │ the same again, or `stop_within_s` later: the rest goes to the operators
"""

import asyncio
import gc
import signal
from contextlib import AsyncExitStack

import structlog

from cti.app import Service, running
from cti.open_files import allow_open_files
from cti.process.heartbeat import Heartbeat
from cti.process.notify import Notifier
from cti.progress import progress_lines
from cti.settings import Settings
from ivr.scenario import Scenario

log = structlog.get_logger()


async def serve(settings: Settings, scenario: Scenario) -> bool:
    """Run until SIGTERM or SIGINT; another one hurries.

    Returns: False where a part died and the service ended by itself, in good order: start it again.
    """
    stop, hurry = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, lambda: (hurry if stop.is_set() else stop).set())
    allow_open_files()
    notifier = Notifier()
    notifier.tell("STATUS=Starting.")
    heartbeat = Heartbeat(notifier)
    stopping = asyncio.create_task(stop.wait())
    service: Service | None = None
    async with AsyncExitStack() as stack:
        stack.push_async_callback(heartbeat.stop)  # the last to end: what hangs while it ends is frozen too
        # Voices and models take their time: who wants it to end now need not wait for them.
        starting = asyncio.create_task(
            stack.enter_async_context(running(settings, scenario, progress_lines()))
        )
        try:
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                service = starting.result()
                # What was loaded by now stays for good. Looked through by each full collection, it would have
                # everybody wait for a fifth of a second, the ringing call's desk too.
                gc.collect()
                gc.freeze()
                heartbeat.start()
                log.info("PressZero is at work.", action="service_up", http_port=service.http_port)
                notifier.tell("READY=1", "STATUS=At work.")
                await _either(stop, service.broken)
            log.info(
                "PressZero is ending: who is in the menu or with the bot may finish. Another signal hurries.",
                action="service_ending",
            )
            notifier.tell("STOPPING=1", "STATUS=Ending: callers finish or go to the operators.")
            if service is not None:
                await service.drain.run(settings.stop_within_s, hurry)
        finally:
            for task in (starting, stopping):
                task.cancel()
            await asyncio.wait({starting, stopping})
    log.info("PressZero has ended.", action="service_ended")
    return service is None or not service.broken.is_set()


async def _either(*events: asyncio.Event) -> None:
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
