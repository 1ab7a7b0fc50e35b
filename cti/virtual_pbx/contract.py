"""What a virtual PBX owes the house, and what it gets from it: the one contract that every vendor's file
fulfils.

A vendor's webhooks come in any order, twice, late, or not at all. So an adapter keeps nothing of a call in
memory: `take` makes facts of a webhook, which are stored as they are, and `tell` says from *all* facts of
a call what happened to it. Any order and any repetition of the same facts must tell the same call; `tell`
therefore says only what later facts will not take back, and gives each event an id that follows from what
it tells.

Pure but for the base class's asynchronous methods, which vendors fill with I/O of their own.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, Generic, TypeVar
from urllib.parse import parse_qsl

import aiohttp
from aiohttp import web

from cti.virtual_pbx.front import Front
from cti.virtual_pbx.settings import ConnectionSettings
from ivr.reception import KnownCaller
from ivr.scenario import Scenario
from tickets.call_ids import neutral_id as neutral_id  # vendors take it from here, with all they need
from tickets.events import CallEvent
from tickets.facts import Fact

MOST_FIELDS = 200  # of a form
MOST_SOUND = 300 << 20  # bytes of one recording: a day of MP3 as vendors make it


class Why(StrEnum):
    """Why a webhook was refused; also a label of the figures at /metrics."""

    FORGED = "forged"  # the signature or the token is missing or wrong
    STALE = "stale"  # signed well, but too long ago
    UNFIT = "unfit"  # signed well, and not what the vendor's documents say


class Refused(Exception):
    """A webhook that is not taken; the message says in a sentence what is wrong, and holds nothing of it."""

    def __init__(self, why: Why, sentence: str) -> None:
        super().__init__(sentence)
        self.why = why


class NotOffered(Exception):
    """The vendor has no such command; the message says what can be done instead."""


class CommandRefused(Exception):
    """The vendor does not do it; the message says why, and what to do. It is ours: it goes into logs."""

    def __init__(self, sentence: str, words: str = "") -> None:
        """`words`: the vendor's own, for whoever asked alone: they may hold a number."""
        super().__init__(sentence)
        self.words = words


class CommandLate(Exception):
    """The vendor did not answer in time, or its limit is used up: whether it was done is not known."""


class NotYet(Exception):
    """The recording is not ready at the vendor's: ask again in a while."""


@dataclass(frozen=True, slots=True)
class Hook:
    """One request at the door, as it came."""

    method: str
    path: str  # below the connection's address: "/events/call"
    query: str  # raw
    headers: Mapping[str, str]  # any case finds them
    body: bytes
    url: str  # as the vendor knows it, query included: the public address and the path

    def form(self) -> list[tuple[str, str]]:
        """The body's fields, in their order.

        Raises:
            Refused: no form, or one without end.
        """
        return _fields(self.body.decode("utf-8", "replace"))

    def asked(self) -> dict[str, str]:
        """The query's fields; of a repeated one the first.

        Raises:
            Refused: without end.
        """
        return dict(reversed(_fields(self.query)))


def _fields(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise Refused(Why.UNFIT, f"More than {MOST_FIELDS} fields.") from None


@dataclass(frozen=True, slots=True)
class Reply:
    """What the vendor is answered."""

    body: str | bytes = ""
    status: int = 200
    content_type: str = "text/plain"
    lasting: bool = False  # the address will never have anything else: it may be kept


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What a webhook tells of a command of ours."""

    command_id: str
    refusal: str | None = None  # a sentence; None: it was done


@dataclass(frozen=True, slots=True)
class Taken:
    """What there is in a webhook."""

    facts: tuple[Fact, ...] = ()  # kept before the vendor is answered
    results: tuple[CommandResult, ...] = ()
    reply: Reply | None = None  # None: `answer` is asked, once the facts are kept


@dataclass(frozen=True, slots=True)
class Tape:
    """A recording that the vendor has ready."""

    tape_id: str  # the vendor's own id
    call_id: str  # ours
    at: datetime  # when it began, as far as the vendor tells: tapes of a call are laid one after the other
    hint: str = ""  # what the vendor needs to find it; never a link that works once
    caller: int = 0  # where the sound has two channels: that of the person outside, 0 is left


class Method(StrEnum):
    """How a caller is sent on."""

    BLIND = "blind"  # at once
    ATTENDED = "attended"  # the operator asks first


@dataclass(frozen=True, slots=True)
class Route:
    """Send a caller who waits in the vendor's menu or queue to a number, an extension or a group."""

    to: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """Send a caller on who talks with an operator."""

    to: str
    operator: str  # who sends them: extension
    method: Method = Method.BLIND


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call."""


@dataclass(frozen=True, slots=True)
class StartRecording:
    """Record from here on: of a vendor that does not record every talk by itself."""

    operator: str


CallCommand = Route | Transfer | HangUp | StartRecording
"""What can be asked of the vendor about a call that goes on."""


class Offer(StrEnum):
    """What a vendor does at our word. What is not named has no button at the desk; `command` says why."""

    HANG_UP = "hang_up"
    TRANSFER = "transfer"  # blind
    CONSULT = "consult"  # the operator's colleague is rung first; the vendor's own phones end the asking
    ROUTE = "route"  # a caller who waits
    CALL_BACK = "call_back"
    RECORD = "record"


@dataclass(frozen=True, slots=True)
class CallBack:
    """Ring the operator, then the number."""

    operator: str  # extension
    to: str  # E.164; which number is shown, the vendor's settings say


@dataclass(frozen=True, slots=True)
class Address:
    """An address of ours that somebody pastes into the vendor's cabinet."""

    where: str  # in the cabinet, in its own words
    url: str


@dataclass(frozen=True, slots=True)
class Steered:
    """Where a caller is to be sent, though the vendor's scheme would do otherwise."""

    to: str  # an extension or a group, as the connection's settings name it
    why: str  # "vip" | "known"


async def nobody_is_steered(settings: ConnectionSettings, call_id: str, number: str) -> Steered | None:
    """All is left to the vendor's scheme."""
    return None


async def nobody_has_a_name(number: str) -> str | None:
    """No customer is on a card."""
    return None


@dataclass(frozen=True, slots=True)
class House:
    """What the house lends a vendor's adapter."""

    scenario: Scenario
    normalise: Callable[[str], str | None]  # E.164 of a number as it came, with a plus or without, or None
    clock: Callable[[], datetime]  # aware, UTC
    # Who calls, by our call id and the number as it came, in the time reception gives; never raises. Asked
    # once a call, whoever wants to know; the ledger has it.
    caller: Callable[[str, str], Awaitable[KnownCaller | None]]
    facts: Callable[[str], Awaitable[list[Fact]]]  # all facts of a call, by our call id
    session: aiohttp.ClientSession
    # Of vendors that ask where a call is to go: by settings, our call id and the number as it came. What is
    # decided is in the ledger already. Never raises, and keeps to the caller's deadline.
    steer: Callable[[ConnectionSettings, str, str], Awaitable[Steered | None]] = nobody_is_steered
    name: Callable[[str], Awaitable[str | None]] = (
        nobody_has_a_name  # on a customer's card, by number; in time, never raises
    )
    front: Front | None = None  # None: we only listen, callers are not ours to serve


S = TypeVar("S", bound=ConnectionSettings)


class VirtualPbx(ABC, Generic[S]):
    """One vendor's adapter. What a vendor does not offer stays as it is here."""

    vendor: ClassVar[str]  # as in the registry, and the facts' source
    title: ClassVar[str]  # for people: "Mango Office"
    settings_type: ClassVar[type[ConnectionSettings]]
    cabinet_word: ClassVar[str] = "secret"  # for the secret
    secret_is_ours: ClassVar[bool] = False  # we choose it, and it goes into the cabinet; else it stands there
    offers: ClassVar[frozenset[Offer]] = frozenset()
    serves_callers: ClassVar[bool] = False  # it asks us what they hear, see `Front`

    def __init__(self, settings: S, house: House) -> None:
        """`settings` may be put in anew at any time: a secret was changed."""
        self.settings, self.house = settings, house

    def addresses(self) -> list[Address]:
        """What to paste into the vendor's cabinet, in the order of its pages. Pure."""
        return [Address("Address for webhooks", f"{self.settings.public_url}/{self.vendor}")]

    @abstractmethod
    def take(self, hook: Hook, now: datetime) -> Taken:
        """Prove that the webhook is the vendor's, and say what is in it. Pure, and quick: nobody waits long.

        Raises:
            Refused: it is not, or not what was agreed.
        """

    @abstractmethod
    def tell(self, facts: Sequence[Fact]) -> list[CallEvent]:
        """What happened to a call, from all that was told of it so far. Pure."""

    def tapes(self, facts: Sequence[Fact]) -> list[Tape]:
        """The recordings of a call that are ready. Pure."""
        return []

    async def answer(self, hook: Hook, taken: Taken) -> Reply:
        """What the vendor is answered, once the facts are kept. Has to come within the vendor's patience."""
        return Reply()

    def excuse(self, hook: Hook) -> Reply | None:
        """What the vendor is answered instead when we fail: nothing could be kept, or `answer` came to
        nothing. Needs no database, and never fails. None: an error, which the vendor knows how to take.
        """
        return None

    async def socket(self, path: str, request: web.Request) -> web.StreamResponse:
        """Somebody wants a WebSocket at a path below the connection's address: the audio of a call.

        Nothing has been proved yet: whoever comes here must show that they were sent.
        """
        raise web.HTTPNotFound(text="There are no WebSockets here.\n")

    async def close(self) -> None:
        """The service ends: end what goes on over WebSockets."""

    def finished(self, result: CommandResult) -> None:
        """A webhook told what became of a command of ours."""

    async def command(self, command: CallCommand, facts: Sequence[Fact]) -> None:
        """Ask the vendor to do it; `facts`: of the call.

        Raises:
            NotOffered, CommandRefused, CommandLate
        """
        raise NotOffered(f"{self.title} takes no commands: use its own phone or cabinet.")

    async def call_back(self, command: CallBack) -> None:
        """Ring an operator, then a customer.

        Raises:
            NotOffered, CommandRefused, CommandLate
        """
        raise NotOffered(f"{self.title} makes no calls for us: dial on the phone.")

    async def past(self, since: datetime, until: datetime) -> list[Fact]:
        """What the vendor's own records have of calls in that time: facts like any other.

        Raises:
            NotOffered, CommandRefused, CommandLate
        """
        raise NotOffered(f"{self.title} lists no past calls.")

    async def fetch(self, tape: Tape, into: Path) -> None:
        """Write the recording into a file, in whatever form the vendor has it; `save` helps with that.

        One channel is taken for both voices mixed, two for the two sides: see `Tape.caller`.

        Raises:
            NotYet: it is not ready.
            NotOffered, CommandRefused, CommandLate
        """
        raise NotOffered(f"{self.title} gives no recordings.")


def digest_of(*parts: str | bytes) -> str:
    """An id for what came without one: the same words, the same id."""
    hashed = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "replace") if isinstance(part, str) else part
        hashed.update(len(data).to_bytes(8, "big") + data)
    return hashed.hexdigest()[:40]


async def save(answer: aiohttp.ClientResponse, into: Path) -> None:
    """Write the answer's body into a file, piece by piece.

    Raises:
        CommandRefused: it is larger than a recording ever is.
        aiohttp.ClientError, TimeoutError: the link failed on the way.
    """
    size = 0
    with into.open("wb") as file:
        async for piece in answer.content.iter_chunked(1 << 16):
            size += len(piece)
            if size > MOST_SOUND:
                raise CommandRefused("The recording is larger than 300 MB: download it in the cabinet.")
            file.write(piece)
