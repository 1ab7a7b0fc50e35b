"""The tape shelf's workers: recordings are taken in at once, transcripts when callers leave time for it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from cti.assembly.frame import Frame
from cti.process.memory import give_back
from cti.virtual_pbx.tapes import NO_TAPE_JOB
from cti.waiting.surge_watch import SurgeWatch
from recordings.intake import Intake as RecordingIntake
from recordings.store import DiskStore, Store
from recordings.transcriber import Ears, Transcriber
from tickets.call_ids import vendor_of
from tickets.jobs import Job, JobQueue, Worker
from tickets.ledger import CallChange
from tickets.spoken import SpokenBook
from voicebot.recognizers.pool import RecognizerPool

log = structlog.get_logger()

LEFT_OVERS_EVERY_S = 60.0


async def put_up_shelf(frame: Frame, pools: Mapping[str, RecognizerPool], surge: SurgeWatch) -> Store:
    """Take in what the PBX has recorded, from now on. `pools`: by language; the scenario's own is among them.

    Returns: the shelf.

    Raises:
        ShelfUnwritable, SpoolTrouble: a folder cannot be used.
    """
    settings = frame.settings
    settings.spool_folder.mkdir(mode=0o770, parents=True, exist_ok=True)
    store, jobs = DiskStore(settings.recordings_folder), JobQueue(frame.sessions)
    intake = RecordingIntake(frame.sessions, store, settings.spool_folder, frame.publish)
    await intake.check()
    ears = {
        language: Ears(pool.transcribe_long, pool.recognizer.name, language)
        for language, pool in pools.items()
    }
    spoken = SpokenBook(frame.sessions)
    own = ears[frame.scenario.language]

    async def ears_for(call_id: str) -> Ears:
        return ears.get(await spoken.language_of(call_id) or own.language, own)

    transcriber = Transcriber(frame.sessions, store, ears_for)

    async def transcribe(job: Job) -> None:
        await surge.calm()  # it has time, and callers need the recogniser
        await transcriber.handle(job)
        await asyncio.to_thread(give_back)

    async def take_in(job: Job) -> None:
        if vendor_of(job.key) is None:
            await intake.handle(job)
        else:  # the PBX records for itself, and hands over in its own time
            await jobs.enqueue(NO_TAPE_JOB, job.key)

    # Two, so that a long transcript holds up nobody's recording.
    # Two at a time: each waits for ffmpeg most of the time, and after a surge hundreds wait for their turn.
    taking_in = Worker(jobs, {"recording.intake": take_in}, concurrency=2)
    transcribing = Worker(jobs, {"recording.transcribe": transcribe})

    def look_for_work(changes: Sequence[CallChange]) -> None:
        if any(change.call.ended for change in changes):
            taking_in.hint()

    frame.on_changes.append(look_for_work)
    frame.task("worker", taking_in.run())
    frame.task("transcribing", transcribing.run())
    frame.task("left_overs", _every(LEFT_OVERS_EVERY_S, intake.take_in_left_overs))
    return store


async def _every(seconds: float, work: Callable[[], Awaitable[object]]) -> None:
    while True:
        try:
            await work()
        except Exception as error:  # the next round may do better
            log.warning("A regular task failed.", action="regular_failed", error=type(error).__name__)
        await asyncio.sleep(seconds)
