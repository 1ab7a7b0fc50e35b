"""The way of our calls to other help desks: asked for as jobs when the ledger has them, sent one by one.

A call's messages arrive at a target in their order, each at least once under the same `webhook-id`; what
comes before its call's beginning is held until that is known to have been told. A target that fails is asked
again after a pause that grows with the message's age, and left alone while it fails again and again. What
could not be told in time is dead, and on a list. No log line has an address or what was told.
"""

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import aiohttp
import structlog
from yarl import URL

from cti.customers.breaker import Breaker
from cti.virtual_pbx.contract import digest_of
from cti.virtual_pbx.push.messages import Event, Message, message_of
from cti.virtual_pbx.push.settings import PushSettings, Target
from cti.virtual_pbx.push.signing import signed
from tickets.call import Call, replay
from tickets.call_ids import vendor_of
from tickets.database import DatabaseTrouble
from tickets.events import CallEvent
from tickets.jobs import Hopeless, Job, JobQueue, PutOff
from tickets.ledger import CallChange
from tickets.tables import JobState

log = structlog.get_logger()

JOB = "push.message"  # key: target, call and event; payload: target, call_id, event, body
SEND_S = 10.0  # of one attempt, connecting included
LONGEST_PAUSE_S = 600.0
OLD = timedelta(hours=1)  # what is found out so late is no news for a help desk
FAILURES, REST_S = 5, 30.0  # in a row, then a target is left alone for so long
OWN = (
    "generic"  # calls that were pushed to us are pushed to nobody: two houses would tell each other for ever
)


def goes_out(call_id: str) -> bool:
    """Whether other help desks are told of this call."""
    return vendor_of(call_id) != OWN


class PushOutbox:
    """Asks for jobs. Used from one event loop; asked for twice, a message is one job."""

    def __init__(
        self,
        jobs: JobQueue,
        settings: Callable[[], PushSettings],
        people: Callable[[], Mapping[str, str]],
        asked: Callable[[], None],
        clock: Callable[[], datetime],
        *,
        retry_s: float = 1.0,
    ) -> None:
        """
        Args:
            people: extension → name.
            asked: is told that there are new jobs.
            retry_s: between two tries while the database is away.
        """
        self._jobs, self._settings, self._people, self._asked = jobs, settings, people, asked
        self._clock, self._retry_s = clock, retry_s
        self._waiting: list[tuple[str, Message]] = []
        self._news = asyncio.Event()

    def changed(self, changes: Iterable[CallChange]) -> None:
        """The ledger has this."""
        for change in changes:
            if goes_out(change.call.call_id):
                self._put(change.event, change.call)

    async def catch_up(self, stories: Iterable[Sequence[CallEvent]]) -> None:
        """What these calls' ledgers have may not have been asked for: we were killed in between."""
        for story in stories:
            call = replay(story)
            if goes_out(call.call_id):
                for event in story:
                    self._put(event, call)

    def _put(self, event: CallEvent, call: Call) -> None:
        message = message_of(event, call, self._people())
        if message is not None and self._clock() - event.at < OLD:
            self._waiting += [(name, message) for name in self._settings().targets]
            self._news.set()

    async def run(self) -> None:
        """Ask, until cancelled. What is not asked for by then is caught up with at the next start."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                try:
                    await self._ask(*self._waiting[0])
                except DatabaseTrouble as trouble:
                    log.warning("Other help desks are told later.", action="push_waits", why=str(trouble))
                    await asyncio.sleep(self._retry_s)
                else:
                    self._waiting.pop(0)
            self._asked()

    async def _ask(self, target: str, message: Message) -> None:
        payload = {
            "target": target,
            "call_id": message.call_id,
            "event": message.event.value,
            "body": dict(message.body),
        }
        await self._jobs.enqueue(JOB, key_of(target, message.call_id, message.event), payload)


def key_of(target: str, call_id: str, event: Event) -> str:
    """The job's key. Call ids of a PBX of somebody else's may be long."""
    return f"{target}:{event}:{digest_of(call_id)}"


class PushSender:
    """Does the jobs."""

    def __init__(
        self,
        jobs: JobQueue,
        settings: Callable[[], PushSettings],
        session: aiohttp.ClientSession,
        clock: Callable[[], datetime],
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """`seconds`: of a clock that nobody sets."""
        self._jobs, self._settings, self._session = jobs, settings, session
        self._clock, self._seconds = clock, seconds
        self._breakers: dict[str, Breaker] = {}
        self._troubles: dict[str, str] = {}  # by target: why it did not take the last one

    async def handle(self, job: Job) -> None:
        """One attempt.

        Raises:
            PutOff: not now.
            Hopeless: never.
            DatabaseTrouble: what comes before it is not known.
        """
        name, call_id = str(job.payload["target"]), str(job.payload["call_id"])
        message = Message(Event(job.payload["event"]), call_id, dict(job.payload["body"]))
        target = self._settings().targets.get(name)
        if target is None:
            raise Hopeless(f"There is no target {name} any more.")
        age = self._clock() - job.created_at
        if age > timedelta(hours=target.give_up_h):
            raise Hopeless(
                f"Not told within {target.give_up_h:g} h: {self._troubles.get(name, 'it was away.')}"
            )
        await self._must_be_next(name, message, age)
        breaker = self._breakers.setdefault(name, Breaker(failures=FAILURES, pause_s=REST_S))
        if not breaker.lets_through(self._seconds()):
            raise PutOff(REST_S)
        trouble = await self._send(target, job.key, message)
        if trouble is None:
            if breaker.resting:
                log.info("A help desk takes our calls again.", action="push_back", target=name)
            breaker.succeeded()
            return
        rested = breaker.resting
        breaker.failed(self._seconds())
        self._troubles[name] = trouble
        if breaker.resting and not rested:
            log.warning("A help desk does not take our calls.", action="push_rests", target=name, why=trouble)
        raise PutOff(_pause_s(age))

    async def _must_be_next(self, name: str, message: Message, age: timedelta) -> None:
        """A call's beginning first, and nothing of a call whose beginning the target does not know."""
        before = {event: key_of(name, message.call_id, event) for event in message.before}
        if not before:
            return
        states = await self._jobs.states(JOB, list(before.values()))
        beginning = states.get(before[Event.NEW_CALL])
        if beginning is JobState.DEAD:
            raise Hopeless("The call's beginning could not be told.")
        if beginning is None and age > OLD:  # what comes so late is not told any more
            raise Hopeless(
                "The call's beginning was not told: the target was added later, or it came too late."
            )
        if beginning is None or not {JobState.WAITING, JobState.LEASED}.isdisjoint(states.values()):
            raise PutOff(_pause_s(age))

    async def _send(self, target: Target, key: str, message: Message) -> str | None:
        """None: told. Else what went wrong, in a sentence."""
        body = json.dumps(message.body, ensure_ascii=False, separators=(",", ":")).encode()
        now = self._clock()
        headers = signed(f"msg_{digest_of(key)}", now, body, target.good_secrets(now))
        try:
            async with (
                asyncio.timeout(SEND_S),
                self._session.post(
                    URL(target.url.get_secret_value()),
                    data=body,
                    headers={**headers, "Content-Type": "application/json"},
                    allow_redirects=False,  # what is told goes to the written address, and nowhere else
                ) as answer,
            ):
                return _judged(answer.status)
        except TimeoutError:
            return f"no answer within {SEND_S:g} s."
        except (aiohttp.ClientError, OSError, ValueError) as error:  # their messages hold the address
            return f"it cannot be reached ({type(error).__name__})."


def _judged(status: int) -> str | None:
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return f"it answered HTTP {status}: write the address to which it redirects."
    if status in {401, 403, 404, 410}:
        return f"it answered HTTP {status}: is the token in the address the right one?"
    return f"it answered HTTP {status}."


def _pause_s(age: timedelta) -> float:
    """As long again as it has waited already: 1, 2, 4 s …, ten minutes at most."""
    return min(LONGEST_PAUSE_S, max(1.0, age.total_seconds()))
