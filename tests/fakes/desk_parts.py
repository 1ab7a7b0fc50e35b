"""Parts round the operators' desks: people's presence, a queue's picture, and a centre over them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cti.asterisk.events import QueueSeat
from cti.desk.centre import DeskCentre, Owner, Tally
from cti.desk.context import AskCompany, Contexts
from cti.operators.legs import Asking
from cti.waiting.queues import QueuePicture, Waiting
from tickets.caller_file import CallerFile, CallerFiles
from tickets.database import utc_now
from tickets.presence import OperatorState
from tickets.sight import Sight
from tickets.vocabulary import PhoneChoice, Presence

OPERATORS = {"101": "Grace Okafor", "102": "Tomas Lindqvist"}
GRACE = Owner("grace", "101", "Grace Okafor", Sight(everything=False, login="grace", extension="101"))
TOMAS = Owner("tomas", "102", "Tomas Lindqvist", Sight(everything=False, login="tomas", extension="102"))


@dataclass
class FakePresences:
    """What people have set, by hand."""

    on_change: list[Callable[[str], None]] = field(default_factory=list)
    states: dict[str, OperatorState] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)  # extensions, once for each open desk

    def state_of(self, extension: str) -> OperatorState | None:
        """See `PresenceKeeper`."""
        return self.states.get(extension)

    def desk_open(self, extension: str) -> None:
        """See `PresenceKeeper`."""
        self.open.append(extension)

    def desk_closed(self, extension: str) -> None:
        """See `PresenceKeeper`."""
        self.open.remove(extension)

    def put(
        self,
        extension: str,
        presence: Presence,
        *,
        reason: str | None = None,
        until: datetime | None = None,
        phone: PhoneChoice = PhoneChoice.OWN,
    ) -> None:
        """Set it, and tell."""
        self.states[extension] = OperatorState(
            extension=extension, presence=presence, reason=reason, since=utc_now(), until=until, phone=phone
        )
        for listener in self.on_change:
            listener(extension)


@dataclass
class DeskParts:
    """A centre, and what it hears of."""

    ask_company: AskCompany | None = None
    live_files: CallerFiles | None = None  # real ones instead of `files`
    clock: Callable[[], datetime] = utc_now
    presences: FakePresences = field(default_factory=FakePresences)
    picture: QueuePicture | None = None
    files: dict[str | None, CallerFile] = field(default_factory=dict)  # by number
    audio: set[str] = field(default_factory=set)
    tallies: dict[str, Tally] = field(default_factory=dict)  # by login
    consulting: dict[str, Asking] = field(default_factory=dict)  # call → who is being asked
    asked: list[tuple[str, str | None, int | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.centre = DeskCentre(
            self.presences,
            lambda: self.picture,
            lambda on_change: Contexts(self._file, self._audio, self.ask_company, on_change),
            self._tally,
            people=lambda: OPERATORS,
            serves=lambda extension: ["support"],
            show_number=lambda number: f"<{number}>",
            consulting=self.consulting.get,
            language="en",
            clock=self.clock,
        )

    async def _file(self, call_id: str, number: str | None, customer_id: int | None) -> CallerFile:
        self.asked.append((call_id, number, customer_id))
        if self.live_files is not None:
            return await self.live_files.of(call_id, number, customer_id)
        return self.files.get(number, CallerFile(None, None, [], []))

    async def _audio(self, call_ids: Sequence[str]) -> set[str]:
        return self.audio & set(call_ids)

    async def _tally(self, owner: Owner) -> Tally:
        return self.tallies.get(owner.login, Tally())


def seat(operator: str, *, there: bool = True, free: bool = True, queue: str = "support") -> QueueSeat:
    """One phone in a queue."""
    return QueueSeat(utc_now(), "1", queue, operator, there=there, talking=False, free=free and there)


def picture(at: datetime, *seats: QueueSeat, waiting: Sequence[Waiting] = ()) -> QueuePicture:
    """The queues at that moment."""
    return QueuePicture(at, tuple(waiting), seats)
