"""What a caller hears next: the scenario's reception, a page at a time.

The same menu, hours, prompts and bot as over an Asterisk; where that has a dialplan and a queue, this has
addresses (`Place`) and `line`. Zero is a person at every prompt, and whatever goes wrong rings the operators.

    voice ─► menu ⇄ menu ─► operators ⇄ dialled ─► duty ─► voicemail ─► message
               └─► bot ─► after-bot ─┘        └─ talked: the end
"""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from cti.virtual_pbx.contract import House, Reply
from cti.virtual_pbx.front import Front
from cti.virtual_pbx.vendors.twilio.addresses import Page, Place
from cti.virtual_pbx.vendors.twilio.hooks import ENDED, VENDOR, said
from cti.virtual_pbx.vendors.twilio.keys import intro_again, pressed
from cti.virtual_pbx.vendors.twilio.people import People
from cti.virtual_pbx.vendors.twilio.place import NoPlace, state_of, word_of
from cti.virtual_pbx.vendors.twilio.settings import TwilioSettings
from cti.virtual_pbx.vendors.twilio.twiml import Twiml
from ivr.hours import is_open
from ivr.languages import folder_name
from ivr.menu import MAX_STEPS, Ask, Leave, Next, Step, advance, begin
from ivr.reception import KnownCaller, after_bot
from tickets.events import CallEvent, Value
from tickets.facts import Fact
from tickets.vocabulary import EventKind, HandOver

_NONE = Twiml().reply()  # the caller is gone, or nothing is asked


class Answers:
    """One per connection."""

    def __init__(self, house: House, settings: Callable[[], TwilioSettings]) -> None:
        """`settings`: those of this moment."""
        self._house, self._settings = house, settings
        self.people = People(house, settings)

    async def to(self, fact: Fact, place: Place) -> Reply:
        """What Twilio is to do next with the call that this fact is of."""
        if said(fact, "CallStatus") in ENDED and fact.kind not in (Page.FALLBACK, Page.LEG):
            self.people.gone(fact.call_id)
            return _NONE
        front = self._house.front
        # A menu without words would be a trap.
        speaks = front is not None and front.prompts.is_spoken
        if not speaks and fact.kind in (Page.VOICE, Page.MENU, Page.AFTER_BOT):
            return self.people.everybody()
        if front is not None and fact.kind == Page.VOICE:
            return await self._voice(fact, front)
        return self.at_once(fact, place)

    def at_once(self, fact: Fact, place: Place) -> Reply:
        """The same, where nobody has to be asked."""
        match fact.kind:
            case Page.MENU:
                return self._menu(fact, place)
            case Page.AFTER_BOT:
                return self._after_bot(place)
            case Page.OPERATORS:
                return self.people.operators(fact.call_id, place)
            case Page.DIALLED:
                return self.people.dialled(fact, place)
            case Page.DUTY:
                return self.people.duty(fact, place)
            case Page.VOICEMAIL:
                return self.people.voicemail(place)
            case Page.ZERO:
                return self.people.zero(fact, place)
            case Page.MESSAGE:
                return self.people.message(fact, place)
            case Page.TRANSFER:
                return self.people.transfer(place)
            case Page.OUTGOING:
                return self.people.outgoing(fact)
            case Page.CALL_BACK:
                return self.people.ring_outside(place.by, place.to)
            case Page.STATUS | Page.LEG | Page.RECORDING:
                return Reply()
        if self._settings().operator_at(said(fact, "From")) is not None:
            return Twiml().hang_up().reply()  # an operator's own call has failed: nobody is to be rung for it
        return self.people.everybody()

    # --- reception ---

    async def _voice(self, fact: Fact, front: Front) -> Reply:
        received = self.people.telling.came_in(fact)
        number = str(received.data["caller_raw"])
        caller = await self._house.caller(fact.call_id, number) if number else None
        vip = caller.vip_level if caller is not None else 0
        language, how = self._language(said(fact, "To"), caller)
        if how:
            self._note(front, fact, EventKind.LANGUAGE, {"language": language, "how": how})
        scenario, now = self._house.scenario, self._house.clock()
        step = begin(
            scenario,
            is_open=is_open(now, scenario.hours, scenario.timezone),
            surge=front.in_surge(),
            incident=front.incident(),
            language=language,
        )
        for news in step.news:
            self._note(front, fact, news.kind, dict(news.data))
        return self._do(fact.call_id, step, vip)

    def _language(self, line: str, caller: KnownCaller | None) -> tuple[str, str]:
        """The caller's, and how that is known; "" where it goes without saying."""
        scenario = self._house.scenario
        own, spoken = scenario.language, scenario.spoken_languages
        of_line = scenario.line_languages.get(line, own)
        of_card = folder_name(caller.language or "") if caller is not None else ""
        known = next((one for one in spoken if folder_name(one) == of_card), of_line)
        if known != of_line:
            return known, "customer"
        return known, "line" if known != own else ""

    def _menu(self, fact: Fact, place: Place) -> Reply:
        scenario = self._house.scenario
        try:
            state = state_of(place.state, scenario)
        except NoPlace:
            return self.people.to_people(place, HandOver.FAULT).reply()
        key = pressed(scenario, state, said(fact, "Digits"))
        again = key.again and state.steps < MAX_STEPS
        step = intro_again(scenario, state) if again else advance(scenario, state, key.key)
        return self._do(fact.call_id, step, place.vip)

    def _do(self, call_id: str, step: Step, vip: int) -> Reply:
        language = step.state.language or self._house.scenario.language
        place = Place(vip=vip, language=language)
        if isinstance(step.do, Ask):
            asks_next = self.people.addresses.of(Page.MENU, Place(state=word_of(step.state), vip=vip))
            sounds = self.people.play(step.do.prompts, language)
            return Twiml().gather(asks_next, sounds, step.do.wait_s).redirect(asks_next).reply()
        return self._leave(call_id, step.do, place)

    def _leave(self, call_id: str, leave: Leave, place: Place) -> Reply:
        match leave.next:
            case Next.BOT:
                return self._bot(call_id, place)
            case Next.VOICEMAIL:
                return Twiml().redirect(self.people.addresses.of(Page.VOICEMAIL, place)).reply()
            case Next.BYE:
                return Twiml().hang_up().reply()
        return self.people.to_people(place, leave.reason, leave.queue).reply()

    def _bot(self, call_id: str, place: Place) -> Reply:
        front = self._house.front
        if front is None or not front.bot_speaks(place.language):
            return self.people.to_people(place, HandOver.MENU_CHOICE).reply()
        conversation = front.bot.announce(call_id, place.language)
        if conversation is None:
            return self.people.to_people(place, HandOver.SURGE).reply()
        afterwards = self.people.addresses.of(Page.AFTER_BOT, replace(place, talk=str(conversation)))
        return Twiml().stream(self.people.addresses.stream(str(conversation))).redirect(afterwards).reply()

    def _after_bot(self, place: Place) -> Reply:
        front = self._house.front
        try:
            outcome = front.bot.decision(UUID(place.talk)) if front else None
        except ValueError:
            outcome = None
        leave = after_bot(outcome, self._house.scenario.default_queue)
        return self._leave("", leave, place)

    def _note(self, front: Front, fact: Fact, kind: EventKind, data: dict[str, Value]) -> None:
        name = f"{kind}:{fact.call_id}:{fact.kind}"
        front.publish(CallEvent(VENDOR, name, fact.call_id, fact.at, kind, data))
