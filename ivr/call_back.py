"""The offer to be called back: who pressed one while waiting hears what it means, and takes it or waits on.

Joins the AGI session with the promise list, which it knows as a callable; neither the queue nor AMI. Nobody
is told "we will call you" before the promise is stored for good. Whatever goes wrong until then, PZ_NEXT is
still `operator` in the dialplan, and the caller is back in the queue at the place they had.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import structlog

from ivr import fuse
from ivr.agi import AgiSession
from ivr.call_back_rules import ANSWER_S
from ivr.menu import Next
from ivr.pieces import Rendered
from ivr.prompts import PromptBook
from tickets.events import CallEvent, Publish
from tickets.promise import NewPromise, Promise
from tickets.vocabulary import EventKind, PromiseSource

_log = structlog.get_logger()

SCRIPT = "call-back"
PROMISE_S = 1.0  # for the promise to be stored
ACCEPT, ZERO = "1", "0"

StorePromise = Callable[[NewPromise], Awaitable[Promise]]
"""Returns when the promise is kept, whatever happens to this process."""


class CallBackDesk:
    """Serves AGI sessions of callers who pressed one while waiting."""

    def __init__(
        self,
        prompts: PromptBook,
        store: StorePromise,
        normalise: Callable[[str], str | None],
        vip_level: Callable[[str], int],
        publish: Publish,
        clock: Callable[[], datetime],
    ) -> None:
        """
        Args:
            prompts: with those of `call_back_rules.PROMPTS`.
            store: puts a promise on the list.
            normalise: makes E.164 of a caller ID, or None.
            vip_level: of a live call, by its id.
            publish: the ledger.
            clock: now, aware UTC.
        """
        self._prompts = prompts
        self._store = store
        self._normalise = normalise
        self._vip_level = vip_level
        self._publish = publish
        self._clock = clock

    async def serve(self, session: AgiSession) -> None:
        """Offer it to one caller.

        Raises:
            AgiError: of any kind: the link to Asterisk is of no more use, and the dialplan goes on by itself.
        """
        await fuse.light(session, PROMISE_S)
        call_id = await session.get_variable("PZ_CALL") or session.request.get("agi_uniqueid")
        number = self._normalise(session.request.get("agi_callerid"))
        prompts = self._prompts.in_language(await session.get_variable("PZ_LANGUAGE"))
        if number is not None and await self._takes_it(session, prompts):
            promise = await self._promise(session, call_id, number)
            if promise is not None:
                await self._play(session, prompts.prompt("call_back_promised"), "")
                await session.set_variable("PZ_NEXT", Next.BYE.value)
        await fuse.put_out(session)

    async def _takes_it(self, session: AgiSession, prompts: PromptBook) -> bool:
        sounds = (*prompts.prompt("call_back_confirm"), *prompts.quiet(ANSWER_S))
        return await self._play(session, sounds, ACCEPT + ZERO) == ACCEPT

    async def _promise(self, session: AgiSession, call_id: str, number: str) -> Promise | None:
        new = NewPromise(
            call_id=call_id,
            number=number,
            line=await session.get_variable("PZ_LINE"),
            queue=await session.get_variable("PZ_QUEUE"),
            vip_level=self._vip_level(call_id),
            place_since=_moment(await session.get_variable("PZ_SINCE")) or self._clock(),
            source=PromiseSource.QUEUE,
        )
        await fuse.light(session, PROMISE_S)
        try:
            async with asyncio.timeout(PROMISE_S):
                promise = await self._store(new)
        except Exception as error:
            # Stored or not, nothing was said: they wait on, and a promise nobody heard of does no harm.
            _log.warning(
                "A call-back could not be promised: the caller waits on.",
                action="promise_not_stored",
                call_id=call_id,
                error=type(error).__name__,
            )
            return None
        told = CallEvent(
            "ivr",
            f"{call_id}:call-back:{promise.id}",
            call_id,
            self._clock(),
            EventKind.CALL_BACK_PROMISED,
            {"promise": promise.id},
        )
        self._publish(told)
        return promise

    async def _play(self, session: AgiSession, sounds: tuple[Rendered, ...], keys: str) -> str | None:
        for sound in sounds:
            await fuse.light(session, sound.seconds)
            key = await session.stream_file(sound.path, keys, seconds=sound.seconds)
            if key is not None:
                return key
        return None


def _moment(epoch: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(epoch), UTC)
    except (ValueError, OverflowError, OSError):
        return None
