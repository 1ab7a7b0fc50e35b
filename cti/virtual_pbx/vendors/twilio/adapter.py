"""Twilio Voice as the contract wants it: joins the pure parts with the house and with Twilio's API."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote
from uuid import UUID

from aiohttp import web

from cti.bot.capacity import MOST as MOST_CONVERSATIONS
from cti.virtual_pbx.contract import (
    Address,
    CallBack,
    CallCommand,
    CommandRefused,
    HangUp,
    Hook,
    House,
    Method,
    NotOffered,
    Offer,
    Reply,
    Route,
    StartRecording,
    Taken,
    Tape,
    Transfer,
    VirtualPbx,
    neutral_id,
)
from cti.virtual_pbx.vendors.twilio import hooks
from cti.virtual_pbx.vendors.twilio.addresses import SOUNDS, STREAM, Addresses, Page, Place, place_of
from cti.virtual_pbx.vendors.twilio.answers import Answers
from cti.virtual_pbx.vendors.twilio.records import facts_of, of_before, of_the_centre
from cti.virtual_pbx.vendors.twilio.rest import TwilioApi
from cti.virtual_pbx.vendors.twilio.settings import TwilioSettings
from cti.virtual_pbx.vendors.twilio.telling import Telling, tapes_in
from tickets.events import CallEvent
from tickets.facts import Fact
from voicebot.twilio_lines import TwilioLines

# Records are asked for by when a call began, and kept only of those that are over.
LOOK_BACK = timedelta(hours=1)
_NOTHING = Taken()
_NO_PHONE = "Twilio does not know that operator's phone: add it to the connection's `operators`."
_OVER = "The call is over already, or none of Twilio's."


class TwilioVoice(VirtualPbx[TwilioSettings]):
    """One account."""

    vendor: ClassVar[str] = hooks.VENDOR
    title: ClassVar[str] = "Twilio"
    settings_type = TwilioSettings
    cabinet_word: ClassVar[str] = "Auth Token"
    offers: ClassVar[frozenset[Offer]] = frozenset(
        {Offer.HANG_UP, Offer.TRANSFER, Offer.ROUTE, Offer.CALL_BACK}
    )

    serves_callers: ClassVar[bool] = True

    def __init__(self, settings: TwilioSettings, house: House) -> None:
        super().__init__(settings, house)
        self._answers = Answers(house, lambda: self.settings)
        self._lines = (
            TwilioLines(house.front.bot.attend, connections=MOST_CONVERSATIONS) if house.front else None
        )

    def addresses(self) -> list[Address]:
        """See `VirtualPbx.addresses`."""
        told = self._addresses
        number = "Phone number, Voice configuration"
        return [
            Address(f"{number}: A call comes in (Webhook, HTTP POST)", told.of(Page.VOICE)),
            Address(f"{number}: Primary handler fails (Webhook, HTTP POST)", told.of(Page.FALLBACK)),
            Address(f"{number}: Call status changes (HTTP POST)", told.of(Page.STATUS)),
            Address("SIP domain of the operators: A call comes in (HTTP POST)", told.of(Page.OUTGOING)),
            Address("SIP domain of the operators: Call status changes (HTTP POST)", told.of(Page.STATUS)),
        ]

    def take(self, hook: Hook, now: datetime) -> Taken:
        """See `VirtualPbx.take`."""
        if hook.method == "GET" and hook.path.startswith(f"/{SOUNDS}/"):
            return _NOTHING  # what every caller hears, for everybody
        return hooks.take(hook, self.settings, now)

    def tell(self, facts: Sequence[Fact]) -> list[CallEvent]:
        """See `VirtualPbx.tell`."""
        return Telling(self.settings, self.house.scenario, self.house.normalise).events(facts)

    def tapes(self, facts: Sequence[Fact]) -> list[Tape]:
        """See `VirtualPbx.tapes`."""
        return tapes_in(facts)

    async def answer(self, hook: Hook, taken: Taken) -> Reply:
        """See `VirtualPbx.answer`."""
        if not taken.facts:
            return await self._sound(hook.path.removeprefix(f"/{SOUNDS}/"))
        fact = taken.facts[0]
        return await self._answers.to(fact, place_of(hooks.asked(fact)))

    def excuse(self, hook: Hook) -> Reply | None:
        """See `VirtualPbx.excuse`. Whatever was asked, the caller gets a person."""
        page = hook.path.strip("/")
        if page in (Page.STATUS, Page.LEG, Page.RECORDING) or hook.method == "GET":
            return None
        if page in (Page.DIALLED, Page.DUTY, Page.MESSAGE, Page.OUTGOING, Page.CALL_BACK, Page.TRANSFER):
            # They need no more than the address says, and whoever has talked must not be rung for again.
            fact = hooks.take(hook, self.settings, self.house.clock()).facts[0]
            return self._answers.at_once(fact, place_of(hooks.asked(fact)))
        return self._answers.people.everybody()

    async def socket(self, path: str, request: web.Request) -> web.StreamResponse:
        """See `VirtualPbx.socket`: the bot's audio. The path has the call's random id, which is good once."""
        if self._lines is None or not path.startswith(f"/{STREAM}/"):
            raise web.HTTPNotFound(text="There are no WebSockets here.\n")
        try:
            conversation = UUID(path.removeprefix(f"/{STREAM}/"))
        except ValueError:
            raise web.HTTPNotFound(text="Nobody expects this call.\n") from None
        return await self._lines.serve(request, conversation)

    async def close(self) -> None:
        """See `VirtualPbx.close`."""
        if self._lines is not None:
            await self._lines.close()

    async def command(self, command: CallCommand, facts: Sequence[Fact]) -> None:
        """See `VirtualPbx.command`."""
        native = _native(facts)
        if native is None:
            raise CommandRefused(_OVER)
        since = int(self.house.clock().timestamp())
        path = f"Calls/{native}.json"
        match command:
            case HangUp():
                await self._api.post(path, {"Status": "completed"})
            case Route(to):
                self._check_phone(to)
                inside = to in self.house.scenario.operators
                where = Place(to=to if inside else self._number(to), since=since)
                page = Page.OPERATORS if inside else Page.TRANSFER
                await self._api.post(path, self._elsewhere(page, where))
            case Transfer(_, _, Method.ATTENDED):
                raise NotOffered("Twilio cannot ask the colleague first: send the caller on at once.")
            case Transfer(to, operator, _):
                self._check_phone(to)
                to = to if to in self.house.scenario.operators else self._number(to)
                where = Place(to=to, by=operator, since=since)
                await self._api.post(path, self._elsewhere(Page.TRANSFER, where))
            case StartRecording():
                raise NotOffered("Each talk is recorded from its first word.")  # a second tape would overlap

    async def call_back(self, command: CallBack) -> None:
        """See `VirtualPbx.call_back`."""
        rung = self.settings.addresses(command.operator)
        if not rung:
            raise CommandRefused(_NO_PHONE)
        place = Place(to=self._number(command.to), by=command.operator, who=command.operator, way="back")
        fields = [
            ("To", rung[0]),
            ("From", self.settings.caller_id or self.house.scenario.lines[0]),
            ("Url", self._addresses.of(Page.CALL_BACK, place)),
            ("StatusCallback", self._addresses.of(Page.STATUS, place)),
            ("StatusCallbackEvent", "initiated"),
            ("StatusCallbackEvent", "completed"),
            ("Timeout", "30"),
        ]
        await self._api.post("Calls.json", fields)

    async def past(self, since: datetime, until: datetime) -> list[Fact]:
        """See `VirtualPbx.past`."""
        since -= LOOK_BACK
        begin = f"{since:%Y-%m-%dT%H:%M:%SZ}"
        calls = [call async for call in self._api.listed("Calls.json", "calls", {"StartTime>": begin})]
        tapes = [
            tape async for tape in self._api.listed("Recordings.json", "recordings", {"DateCreated>": begin})
        ]
        told = {
            sid for sid in of_before(calls, tapes) if await self.house.facts(neutral_id(self.vendor, sid))
        }
        ours = of_the_centre(calls, tapes, self.settings, self.house.scenario.lines, told)
        return facts_of(*ours, since, until)

    async def fetch(self, tape: Tape, into: Path) -> None:
        """See `VirtualPbx.fetch`."""
        await self._api.fetch(tape.tape_id, into)

    def _check_phone(self, to: str) -> None:
        if to in self.house.scenario.operators and not self.settings.addresses(to):
            raise CommandRefused(_NO_PHONE)

    def _elsewhere(self, page: Page, place: Place) -> dict[str, str]:
        return {"Url": self._addresses.of(page, place), "Method": "POST"}

    def _number(self, number: str) -> str:
        normal = self.house.normalise(number)
        if normal is None:
            raise CommandRefused("That is no telephone number.")
        return normal

    async def _sound(self, name: str) -> Reply:
        sound = await self._answers.people.sound(name)
        if sound is None:
            return Reply("There is no such sound.\n", 404)
        return Reply(sound.data, content_type="audio/wav", lasting=sound.lasting)

    @property
    def _api(self) -> TwilioApi:
        return TwilioApi(self.house.session, self.settings)

    @property
    def _addresses(self) -> Addresses:
        return Addresses(self.settings.public_url)


def _native(facts: Sequence[Fact]) -> str | None:
    """Twilio's id of the call that is the caller's own; None: it is over, or nothing was told."""
    natives = [
        hooks.said(fact, "ParentCallSid") or hooks.said(fact, "CallSid")
        for fact in facts
        if fact.kind in frozenset(Page)
    ]
    over = any(fact.kind == Page.STATUS and hooks.said(fact, "CallStatus") in hooks.ENDED for fact in facts)
    return None if over or not natives else quote(natives[0], safe="")
