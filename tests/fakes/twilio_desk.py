"""Twilio's adapter with reception's parts, asked page by page as Twilio would ask."""

from dataclasses import replace
from datetime import datetime
from pathlib import PurePath
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree as ET

from cti.bot.conversations import Conversations, Conversing
from cti.virtual_pbx.contract import Hook, Reply
from cti.virtual_pbx.front import Front
from cti.virtual_pbx.simulators.twilio import signed
from cti.virtual_pbx.vendors.twilio import TwilioVoice
from cti.virtual_pbx.vendors.twilio.addresses import Page, Place, place_of
from cti.virtual_pbx.vendors.twilio.settings import TwilioSettings
from ivr.pieces import Rendered
from ivr.prompts import PromptBook
from ivr.reception import KnownCaller
from ivr.scenario import Scenario
from tests.fakes.virtual_pbx import SCENARIO, arrive, house, settings_of
from tickets.call import Call
from tickets.events import CallEvent
from tickets.vocabulary import Presence
from voicebot.media import MediaPort
from voicebot.outcome import Ending, Outcome
from voicebot.voice import Voice

OPEN = datetime.fromisoformat("2026-03-02T15:00:00+00:00")  # ten in the morning in New York
NIGHT = datetime.fromisoformat("2026-03-02T05:00:00+00:00")


class Talker:
    """A conversation that is over at once."""

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome

    async def run(self, media: MediaPort) -> Outcome:
        return self._outcome

    def time_is_up(self) -> None:
        """Nothing to end."""


class TwilioDesk:
    """What Twilio is answered, by pages."""

    def __init__(self, scenario: Scenario = SCENARIO, now: datetime = OPEN) -> None:
        self.now = now
        self.scenario = scenario
        self.told: list[CallEvent] = []
        self.calls: list[Call] = []
        self.presence: dict[str, Presence] = {}
        self.room = True
        self.surge = False
        self.caller: KnownCaller | None = None
        self.asked_of: list[tuple[str, str]] = []  # call ids and numbers
        self.outcome = Outcome(Ending.ANSWERED)
        self.bot = Conversations(lambda call_id, language: self._conversation(), lambda talking: self.room)
        prompts = {
            name: (Rendered(PurePath(f"/sounds/{name}-0"), 1.0),)
            for name in [*(name for name, _ in scenario.spoken()), *scenario.invitations()]
        }
        book = PromptBook(prompts, cast(Voice, None), cast(Any, None))
        front = Front(
            book,
            self.bot,
            lambda language: language == "en",
            self.told.append,
            lambda: self.calls,
            lambda operator: self.presence.get(operator) not in {Presence.PAUSED, Presence.AWAY},
            lambda operator: self.presence.get(operator) is Presence.WRAP_UP,
            lambda: self.surge,
            lambda: None,
        )
        lent = replace(house(), scenario=scenario, clock=lambda: self.now, caller=self._caller, front=front)
        self.settings = cast(TwilioSettings, settings_of("twilio"))
        self.adapter = TwilioVoice(self.settings, lent)

    async def ask(
        self, page: Page, place: Place | None = None, sid: str = "CA1", **fields: str
    ) -> ET.Element:
        """The TwiML that a page answers with."""
        hook = self.hook(page, place, sid, **fields)
        taken = self.adapter.take(hook, self.now)
        return twiml(await self.adapter.answer(hook, taken))

    async def follow(self, url: str | None, sid: str = "CA1", **fields: str) -> ET.Element:
        """… an address of which it gave before."""
        page, place = whither(url)
        return await self.ask(page, place, sid, **fields)

    def hook(self, page: Page, place: Place | None, sid: str = "CA1", **fields: str) -> Hook:
        """Twilio's request."""
        about = {"CallSid": sid, "From": "+12025550143", "To": "+18005550100", "Direction": "inbound"}
        query = place.query() if place else ""
        told = {**about, "CallStatus": "in-progress", **fields}
        return arrive(signed(self.settings, self.now, page, query, told), "twilio")

    async def _caller(self, call_id: str, number: str) -> KnownCaller | None:
        self.asked_of.append((call_id, number))
        return self.caller

    def _conversation(self) -> Conversing:
        return Talker(self.outcome)


def twiml(reply: Reply | None) -> ET.Element:
    """A reply's verbs."""
    assert reply is not None
    assert reply.content_type == "text/xml"
    return ET.fromstring(str(reply.body))  # noqa: S314 - our own


def whither(url: str | None) -> tuple[Page, Place]:
    """What an address of ours leads to."""
    parts = urlsplit(url or "")
    return Page(parts.path.rpartition("/")[2]), place_of(dict(parse_qsl(parts.query)))


def verbs(document: ET.Element) -> list[str]:
    """In their order."""
    return [verb.tag for verb in document]


def played(document: ET.Element) -> list[str]:
    """The prompts, those within a `<Gather>` too."""
    sounds = [str(sound.text) for sound in document.iter("Play")]
    return [sound.rpartition("/")[2].partition(".")[0] for sound in sounds]
