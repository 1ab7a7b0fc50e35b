"""Our addresses below `<public_url>/twilio`, and what stands in them. Pure.

A call has no memory here: where its caller stands is in the address that Twilio asks next. The address is a
part of what Twilio signs, so nobody else can write one.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import urlencode

from tickets.vocabulary import HandOver


class Page(StrEnum):
    """What Twilio can ask for, and tell."""

    VOICE = "voice"  # a call comes in
    MENU = "menu"  # a key was pressed, or none
    AFTER_BOT = "after-bot"
    OPERATORS = "operators"  # the caller is to get a person: now, or in their turn
    DIALLED = "dialled"  # an operator's phone has rung, or they have talked
    DUTY = "duty"  # the duty phone has rung
    VOICEMAIL = "voicemail"
    ZERO = "zero"  # a key was pressed at voicemail's prompt
    MESSAGE = "message"  # a message was left
    TRANSFER = "transfer"  # an operator sends the caller on
    OUTGOING = "outgoing"  # an operator has dialled
    CALL_BACK = "call-back"  # an operator has answered a call that we made for them
    FALLBACK = "fallback"  # something of ours has failed
    STATUS = "status"  # of a call
    LEG = "leg"  # … of one that was dialled for a caller
    RECORDING = "recording"


@dataclass(frozen=True, slots=True)
class Place:
    """What an address has to tell of a caller; what is empty is left out of it."""

    state: str = ""  # s: in the menus, see `place`
    queue: str = ""  # q
    since: int = 0  # t: epoch second since which they wait for a person
    turn: int = 0  # n: how often they have asked
    vip: int = 0  # v
    language: str = ""  # l
    why: str = ""  # w: why they get a person, a `HandOver`
    to: str = ""  # to: extension, number
    by: str = ""  # by: extension of whoever sends them on
    who: str = ""  # who: extension, of a leg
    way: str = ""  # way: "out", of a leg to somebody outside; "back", of a call that we made
    talk: str = ""  # c: the conversation with the bot

    def query(self) -> str:
        """As it stands in the address."""
        found = {short: getattr(self, name) for short, name in _SHORT.items() if getattr(self, name)}
        return urlencode(found)

    @property
    def reason(self) -> HandOver | None:
        """`why` as a word; None: nobody says, or the word is none."""
        return HandOver(self.why) if self.why in _REASONS else None

    def again(self) -> "Place":
        """The next turn of somebody who waits: why they do was told."""
        return replace(self, turn=self.turn + 1, why="")


_SHORT = {
    "s": "state", "q": "queue", "t": "since", "n": "turn", "v": "vip", "l": "language", "w": "why",
    "to": "to", "by": "by", "who": "who", "way": "way", "c": "talk",
}  # fmt: skip
_NUMBERS = frozenset({"since", "turn", "vip"})
_REASONS = frozenset(HandOver)


def place_of(asked: dict[str, str]) -> Place:
    """What stands in a query; what makes no sense counts as left out."""
    found: dict[str, str | int] = {}
    for short, name in _SHORT.items():
        value = asked.get(short, "")
        if name not in _NUMBERS:
            found[name] = value
        elif value.isascii() and value.isdigit() and len(value) <= 10:
            found[name] = int(value)
    return Place(**found)  # type: ignore[arg-type]  # numbers where numbers belong


@dataclass(frozen=True, slots=True)
class Addresses:
    """Writes them."""

    public_url: str

    def of(self, page: Page, place: Place | None = None) -> str:
        """Where Twilio is to ask next."""
        query = place.query() if place else ""
        return f"{self.public_url}/twilio/{page.value}" + (f"?{query}" if query else "")

    def sound(self, name: str) -> str:
        """Where a prompt is; see `sounds`."""
        return f"{self.public_url}/twilio/{SOUNDS}/{name}"

    def stream(self, conversation: str) -> str:
        """Where the bot's audio goes."""
        return f"ws{self.public_url.removeprefix('http')}/twilio/{STREAM}/{conversation}"


SOUNDS, STREAM = "sounds", "stream"
