"""Twilio, as it looks from here: a story's webhooks, and its API with the records of what it has told.

Whole calls that follow our TwiML are rung in tests only.
"""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import partial
from typing import ClassVar
from urllib.parse import urlencode

from aiohttp import web
from pydantic import SecretStr

from cti.virtual_pbx.settings import Secret
from cti.virtual_pbx.simulators.port import SimulatedHook, Sound
from cti.virtual_pbx.simulators.twilio_api import TwilioSide, two_tones
from cti.virtual_pbx.stories import ANNA, BEN, EVE, Step, Story, What
from cti.virtual_pbx.vendors.twilio.addresses import Page, Place
from cti.virtual_pbx.vendors.twilio.place import word_of
from cti.virtual_pbx.vendors.twilio.records import facts_of
from cti.virtual_pbx.vendors.twilio.settings import TwilioSettings
from cti.virtual_pbx.vendors.twilio.signature import signature
from ivr.menu import Stage, State
from ivr.scenario import MAIN_MENU
from tickets.facts import Fact
from tickets.vocabulary import Direction, HandOver

WITHHELD = "+266696687"  # "ANONYMOUS" on a telephone's keys
DOMAIN = "lottery.sip.twilio.com"


def sid(kind: str, *names: object) -> str:
    """An id as Twilio makes them; the same for the same names."""
    digest = hashlib.sha256("/".join(str(name) for name in names).encode()).hexdigest()
    return f"{kind}{digest[:32]}"


def signed(
    settings: TwilioSettings, at: datetime, page: Page, query: str, fields: dict[str, str]
) -> SimulatedHook:
    """One of Twilio's requests."""
    path = f"/{page.value}" + (f"?{query}" if query else "")
    token = settings.secrets[0].value.get_secret_value()
    header = signature(token, f"{settings.public_url}/twilio{path}", fields.items())
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": header}
    return SimulatedHook(at, path, headers, urlencode(fields).encode())


class TwilioSimulator:
    """See `Simulator`."""

    vendor: ClassVar[str] = "twilio"
    # A `<Dial>` knows neither hold nor a colleague who is asked first.
    mute: ClassVar[frozenset[What]] = frozenset(
        {What.CONSULTS, What.JOINED, What.BACK, What.HOLD, What.RESUMED}
    )

    def __init__(self) -> None:
        self.sound: Sound = two_tones
        self.side = TwilioSide()

    def invent(self, public_url: str, api: str) -> TwilioSettings:
        """See `Simulator.invent`."""
        return TwilioSettings(
            public_url=public_url,
            secrets=(Secret(value=SecretStr(secrets.token_hex(16))),),
            account_sid=f"AC{secrets.token_hex(16)}",
            api=api,
            operators={f"sip:{operator}@{DOMAIN}": operator for operator in (ANNA, BEN, EVE)},
        )

    def api(self, settings: TwilioSettings) -> str:
        """See `Simulator.api`."""
        return settings.api

    def hooks(
        self, story: Story, settings: TwilioSettings, start: datetime, native: str
    ) -> list[SimulatedHook]:
        """See `Simulator.hooks`. What they tell stands in the API's records, too."""
        call = self._play(story, settings, start, native)
        self.side.remember(call.records, call.tapes)
        for tape, step in call.recorded:
            self.side.sounds[tape] = partial(self.sound, native, step)
        return call.told

    def records(self, story: Story, settings: TwilioSettings, start: datetime, native: str) -> list[Fact]:
        """See `Simulator.records`."""
        call = self._play(story, settings, start, native)
        return facts_of(call.records, call.tapes, start, start)

    def _play(self, story: Story, settings: TwilioSettings, start: datetime, native: str) -> "_Call":
        call = _Call(story, settings, start, sid("CA", native))
        for step in story.as_told(self.mute).steps:
            call.goes_on(step)
        return call

    def vendor_side(self, settings: TwilioSettings) -> web.Application | None:
        """See `Simulator.vendor_side`."""
        return self.side.application(settings)


@dataclass(slots=True)
class _Leg:
    """A phone that was dialled for the caller."""

    sid: str
    who: str  # extension
    to: str
    began: int
    answered: int | None = None


@dataclass(slots=True)
class _Call:
    """One story, on its way."""

    story: Story
    settings: TwilioSettings
    start: datetime
    sid: str
    told: list[SimulatedHook] = field(default_factory=list)
    records: list[dict[str, str | None]] = field(default_factory=list)
    tapes: list[dict[str, str]] = field(default_factory=list)
    recorded: list[tuple[str, Step]] = field(default_factory=list)  # the recordings' ids and their steps
    _leg: _Leg | None = None
    _legs: int = 0
    _since: int = 0  # waiting for a person
    _queue: str = ""
    _left_message: bool = False

    def goes_on(self, step: Step) -> None:
        """What Twilio tells of it."""
        match step.what:
            case What.RINGS:
                self._rings(step)
            case What.KEYS:
                state = State(Stage.INTRO, True, MAIN_MENU, language="en")
                self._page(step.at, Page.MENU, Place(state=word_of(state)), Digits=step.word)
            case What.QUEUE:
                self._since, self._queue = self._epoch(step.at), step.word
                why = HandOver.PRESSED_ZERO.value
                self._page(step.at, Page.OPERATORS, self._place(why=why))
            case What.OFFERED:
                self._dials(step.at, step.operator)
            case What.RETURNED:
                self._dials(step.at, step.operator)
            case What.ANSWERED:
                self._answers(step)
            case What.MISSED:
                self._ends_leg(step.at, "no-answer")
                self._page(step.at, Page.DIALLED, self._place(turn=1), DialCallStatus="no-answer")
            case What.BLIND:
                self._ends_leg(step.at, "completed")
                place = Place(to=step.to, by=step.operator, since=self._epoch(step.at))
                self._page(step.at, Page.TRANSFER, place)
            case What.VOICEMAIL:
                self._left_message = True
                self._page(step.at, Page.VOICEMAIL, self._place())
            case What.RECORDED:
                self._recorded(step)
            case What.HANGS_UP:
                self._hangs_up(step)

    def _rings(self, step: Step) -> None:
        story = self.story
        if story.direction is Direction.INBOUND:
            self._page(0, Page.VOICE, Place())
        elif step.word == "command":
            for status in ("initiated", "ringing"):
                self._page(0, Page.STATUS, self._back(step.operator), CallStatus=status)
            self._page(3, Page.CALL_BACK, self._back(step.operator))
        else:
            self._page(0, Page.OUTGOING, Place())

    def _dials(self, at: int, operator: str) -> None:
        self._legs += 1
        addresses = self.settings.addresses(operator)
        to = addresses[0] if addresses else operator
        self._leg = _Leg(sid("CA", self.sid, self._legs), operator, to, at)
        for status in ("initiated", "ringing"):
            self._of_leg(at, status)

    def _answers(self, step: Step) -> None:
        if self._leg is None:  # outward: the customer
            self._legs += 1
            number = self.story.caller
            self._leg = _Leg(sid("CA", self.sid, self._legs), step.operator, number, step.at)
        self._leg.answered = step.at
        self._of_leg(step.at, "in-progress")

    def _hangs_up(self, step: Step) -> None:
        if self._leg is not None:
            self._ends_leg(step.at, "canceled" if self._leg.answered is None else "completed")
        status = "completed" if self.story.direction is not Direction.OUTBOUND or self._legs else "no-answer"
        place = self._back(self.story.steps[0].operator) if self._is_call_back else Place()
        self._page(step.at, Page.STATUS, place, CallStatus=status, Timestamp=self._time(step.at),
                   CallDuration=str(step.at), SequenceNumber="0")  # fmt: skip
        caller, line = self._ends
        direction = "outbound-api" if self._is_call_back else "inbound"
        self._record(self.sid, None, caller, line, direction, status, 0, step.at, step.at)

    def _recorded(self, step: Step) -> None:
        length, tape = step.at - step.since, sid("RE", self.sid, step.since)
        began = self._time(step.since)
        place = Place(way="out") if self.story.direction is Direction.OUTBOUND else Place()
        told = {"RecordingSid": tape, "RecordingStatus": "completed", "RecordingDuration": str(length)}
        source = "RecordVerb" if self._left_message else "DialVerb"
        told |= {"RecordingChannels": "2", "RecordingStartTime": began, "RecordingSource": source}
        self._page(step.at, Page.RECORDING, place, **told)
        self.recorded.append((tape, step))
        self.tapes.append({"sid": tape, "call_sid": self.sid, "status": "completed", "start_time": began,
                           "duration": str(length), "channels": "2", "source": source})  # fmt: skip

    def _ends_leg(self, at: int, status: str) -> None:
        leg = self._leg
        if leg is None:
            return
        length = at - leg.answered if leg.answered is not None else 0
        self._of_leg(at, status, CallDuration=str(length))
        caller, _ = self._ends
        self._record(leg.sid, self.sid, caller, leg.to, "outbound-dial", status, leg.began, at, length)
        self._leg = None

    def _of_leg(self, at: int, status: str, **more: str) -> None:
        leg = self._leg
        if leg is None:
            return
        way = "out" if self.story.direction is Direction.OUTBOUND else ""
        self.told.append(
            signed(self.settings, self._at(at), Page.LEG, Place(who=leg.who, way=way).query(), {
                **self._always, "CallSid": leg.sid, "ParentCallSid": self.sid, "CallStatus": status,
                "To": leg.to, "Direction": "outbound-dial", "Timestamp": self._time(at), **more,
            })
        )  # fmt: skip

    def _page(self, at: int, page: Page, place: Place, **more: str) -> None:
        status = "ringing" if page in (Page.VOICE, Page.OUTGOING) else "in-progress"
        fields = {**self._always, "CallStatus": status, **more}
        self.told.append(signed(self.settings, self._at(at), page, place.query(), fields))

    def _record(
        self, of: str, parent: str | None, caller: str, to: str, direction: str, status: str,
        began: int, ended: int, length: int,
    ) -> None:  # fmt: skip
        self.records.append({
            "sid": of, "parent_call_sid": parent, "from": caller, "to": to, "direction": direction,
            "status": status, "start_time": self._time(began), "end_time": self._time(ended),
            "duration": str(length),
        })  # fmt: skip

    @property
    def _always(self) -> dict[str, str]:
        caller, line = self._ends
        direction = "outbound-api" if self._is_call_back else "inbound"
        return {"CallSid": self.sid, "AccountSid": self.settings.account_sid, "From": caller, "To": line,
                "Direction": direction, "ApiVersion": "2010-04-01"}  # fmt: skip

    @property
    def _ends(self) -> tuple[str, str]:
        """Whence and where to, as Twilio writes it."""
        story = self.story
        if story.direction is Direction.INBOUND:
            return story.caller or WITHHELD, story.line
        phone = (self.settings.addresses(story.steps[0].operator) or [""])[0]
        if self._is_call_back:
            return story.line, phone
        dialled = story.line if story.direction is Direction.INTERNAL else story.caller
        return phone, f"sip:{dialled}@{DOMAIN}"

    @property
    def _is_call_back(self) -> bool:
        return self.story.steps[0].word == "command"

    def _back(self, operator: str) -> Place:
        return Place(to=self.story.caller, by=operator, who=operator, way="back")

    def _place(self, *, turn: int = 0, why: str = "") -> Place:
        return Place(queue=self._queue, since=self._since, turn=turn, language="en", why=why)

    def _epoch(self, at: int) -> int:
        return int(self._at(at).timestamp())

    def _at(self, at: int) -> datetime:
        return self.start + timedelta(seconds=at)

    def _time(self, at: int) -> str:
        return format_datetime(self._at(at))
