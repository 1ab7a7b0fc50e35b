"""Which call the audio of an AudioSocket connection belongs to, and what became of the conversation.

Joins reception (which announces) with the voicebot's server (which connects) and reception again (which asks
for the outcome). In memory on purpose: a UUID from before a restart is nobody's, and the dialplan goes on to
the operators.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar, cast
from uuid import UUID, uuid4

from voicebot.media import Attendant, MediaPort
from voicebot.outcome import Outcome

T = TypeVar("T")

REMEMBERED = 1000  # calls announced or decided lately; the oldest are forgotten first


class Conversing(Protocol):
    """A conversation with one caller: `voicebot.conversation.Conversation`."""

    async def run(self, media: MediaPort) -> Outcome:
        """Talk until the end; never raises for a reason of ours."""


class Conversations:
    """Announce, attend, decide. Used from the event loop only."""

    def __init__(self, make: Callable[[str], Conversing], limit: int) -> None:
        """`make(call_id)` prepares a conversation; beyond `limit` at a time callers get people."""
        self._make = make
        self._limit = limit
        self._announced: OrderedDict[UUID, str] = OrderedDict()
        self._decided: OrderedDict[UUID, Outcome] = OrderedDict()
        self._talking: dict[UUID, _Talk] = {}

    @property
    def unheard(self) -> dict[str, float]:
        """Seconds since each conversation, by call id, last heard anything of its caller."""
        return {talk.call_id: talk.media.unheard_s for talk in self._talking.values()}

    def announce(self, call_id: str) -> UUID | None:
        """Expect this call's audio; None when there is no room."""
        if len(self._talking) >= self._limit:
            return None
        uuid = uuid4()
        _remember(self._announced, uuid, call_id)
        return uuid

    async def attend(self, uuid: UUID) -> Attendant | None:
        """The conversation for a connection that gave this id; once only, None for an unknown one."""
        call_id = self._announced.pop(uuid, None)
        return None if call_id is None else _Attendant(self, uuid, call_id, self._make(call_id))

    def decision(self, uuid: UUID) -> Outcome | None:
        """How it ended; None when nobody knows. One that still goes on has lost its caller: it is ended."""
        if (talk := self._talking.get(uuid)) is not None:
            talk.task.cancel()
        return self._decided.get(uuid)

    async def talk(self, uuid: UUID, call_id: str, conversation: Conversing, media: MediaPort) -> Outcome:
        """Hold a conversation and keep its outcome for reception."""
        task = cast("asyncio.Task[object]", asyncio.current_task())  # we are always in one
        self._talking[uuid] = _Talk(call_id, media, task)
        try:
            outcome = await conversation.run(media)
        finally:
            del self._talking[uuid]
        # Before the carrier closes: reception asks as soon as the dialplan goes on.
        _remember(self._decided, uuid, outcome)
        return outcome


@dataclass(frozen=True, slots=True)
class _Talk:
    """A conversation that goes on."""

    call_id: str
    media: MediaPort
    task: "asyncio.Task[object]"


class _Attendant:
    def __init__(
        self, conversations: Conversations, uuid: UUID, call_id: str, conversation: Conversing
    ) -> None:
        self._conversations = conversations
        self._uuid = uuid
        self._call_id = call_id
        self._conversation = conversation

    async def run(self, media: MediaPort) -> object:
        return await self._conversations.talk(self._uuid, self._call_id, self._conversation, media)


def _remember(kept: "OrderedDict[UUID, T]", uuid: UUID, value: T) -> None:
    kept[uuid] = value
    while len(kept) > REMEMBERED:
        kept.popitem(last=False)
