"""Which call the audio of an AudioSocket connection belongs to, and what became of the conversation.

Joins reception (which announces) with the voicebot's server (which connects) and reception again (which asks
for the outcome). In memory on purpose: a UUID from before a restart is nobody's, and the dialplan goes on to
the operators.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar, cast
from uuid import UUID, uuid4

from voicebot.media import Attendant, MediaPort
from voicebot.outcome import Outcome

T = TypeVar("T")

COMING_S = 3.0  # within that an announced call connects, or it will not: the PBX has gone on without us
BACK_S = 1.0  # within that the dialplan asks what a conversation has come to
REMEMBERED = 1000  # calls announced or decided lately; the oldest are forgotten first


class Conversing(Protocol):
    """A conversation with one caller: `voicebot.conversation.Conversation`."""

    async def run(self, media: MediaPort) -> Outcome:
        """Talk until the end; never raises for a reason of ours."""

    def time_is_up(self) -> None:
        """Come to the end now: the caller goes to an operator."""


class Conversations:
    """Announce, attend, decide. Used from the event loop only."""

    def __init__(self, make: Callable[[str, str], Conversing], has_room: Callable[[int], bool]) -> None:
        """`make(call_id, language)` prepares a conversation; `has_room(n)`: may one more come beside `n`."""
        self._make = make
        self._has_room = has_room
        self._announced: OrderedDict[UUID, _Announced] = OrderedDict()
        self._decided: OrderedDict[UUID, Outcome] = OrderedDict()
        self._talking: dict[UUID, _Talk] = {}
        self._begins = True
        self._ended_s = float("-inf")  # when a conversation ended last, monotonic

    @property
    def count(self) -> int:
        """Callers who talk to the bot, and those on their way to it."""
        since = time.monotonic() - COMING_S
        return len(self._talking) + sum(coming.at_s > since for coming in self._announced.values())

    @property
    def unheard(self) -> dict[str, float]:
        """Seconds since each conversation, by call id, last heard anything of its caller."""
        return {talk.call_id: talk.media.unheard_s for talk in self._talking.values()}

    def announce(self, call_id: str, language: str = "") -> UUID | None:
        """Expect this call's audio; None when there is no room. `language`: BCP 47; empty: the scenario's."""
        if not self._begins or not self._has_room(self.count):
            return None
        uuid = uuid4()
        _remember(self._announced, uuid, _Announced(call_id, language, time.monotonic()))
        return uuid

    async def attend(self, uuid: UUID) -> Attendant | None:
        """The conversation for a connection that gave this id; once only, None for an unknown one."""
        announced = self._announced.pop(uuid, None)
        if announced is None:
            return None
        conversation = self._make(announced.call_id, announced.language)
        return _Attendant(self, uuid, announced.call_id, conversation)

    def decision(self, uuid: UUID) -> Outcome | None:
        """How it ended; None when nobody knows. One that still goes on has lost its caller: it is ended."""
        if (talk := self._talking.get(uuid)) is not None:
            talk.task.cancel()
        return self._decided.get(uuid)

    async def talk(self, uuid: UUID, call_id: str, conversation: Conversing, media: MediaPort) -> Outcome:
        """Hold a conversation and keep its outcome for reception."""
        task = cast("asyncio.Task[object]", asyncio.current_task())  # we are always in one
        self._talking[uuid] = _Talk(call_id, conversation, media, task)
        try:
            outcome = await conversation.run(media)
        finally:
            del self._talking[uuid]
            self._ended_s = time.monotonic()
        # Before the carrier closes: reception asks as soon as the dialplan goes on.
        _remember(self._decided, uuid, outcome)
        return outcome

    def begin_no_more(self) -> None:
        """From now on there is no room for another conversation."""
        self._begins = False

    def hand_over(self) -> None:
        """Bring those that go on to their end, with an operator; who is on the way here finds nobody."""
        self._announced.clear()
        for talk in self._talking.values():
            talk.conversation.time_is_up()

    async def over(self) -> None:
        """Return when nobody talks, is on the way to the bot, or on the way back from it."""
        while self.count or time.monotonic() < self._ended_s + BACK_S:  # noqa: ASYNC110 - time is no event
            await asyncio.sleep(0.1)


@dataclass(frozen=True, slots=True)
class _Announced:
    """A call whose audio is expected."""

    call_id: str
    language: str
    at_s: float  # monotonic


@dataclass(frozen=True, slots=True)
class _Talk:
    """A conversation that goes on."""

    call_id: str
    conversation: Conversing
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
