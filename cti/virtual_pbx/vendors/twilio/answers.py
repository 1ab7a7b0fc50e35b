"""What a caller hears next: the scenario's reception, a page at a time.

The same menu, hours, prompts and bot as over an Asterisk; where that has a dialplan and a queue, this has
addresses (`Place`) and `line`. Zero is a person at every prompt, and whatever goes wrong rings the operators.

    voice ─► menu ⇄ menu ─► operators ⇄ dialled ─► duty ─► voicemail ─► message
               └─► bot ─► after-bot ─┘        └─ talked: the end
"""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from cti.asterisk.translate import DUTY
from cti.virtual_pbx.contract import House, Reply
from cti.virtual_pbx.front import Front
from cti.virtual_pbx.vendors.twilio.addresses import Addresses, Page, Place
from cti.virtual_pbx.vendors.twilio.hooks import ENDED, VENDOR, said
from cti.virtual_pbx.vendors.twilio.keys import intro_again, pressed
from cti.virtual_pbx.vendors.twilio.line import Line, whom_to_ring
from cti.virtual_pbx.vendors.twilio.place import NoPlace, state_of, word_of
from cti.virtual_pbx.vendors.twilio.settings import TwilioSettings
from cti.virtual_pbx.vendors.twilio.sounds import Sounds
from cti.virtual_pbx.vendors.twilio.telling import Telling, number_of
from cti.virtual_pbx.vendors.twilio.twiml import Phone, Twiml
from cti.waiting.ageing import Waiter
from ivr.hours import is_open
from ivr.languages import folder_name
from ivr.menu import MAX_STEPS, OPERATOR_KEY, Ask, Leave, Next, Step, advance, begin
from ivr.reception import KnownCaller, after_bot
from ivr.scenario import Queue
from tickets.events import CallEvent, Value
from tickets.facts import Fact
from tickets.vocabulary import CallState, EventKind, HandOver

WAIT_S = 4  # between two questions of somebody who waits; a VIP asks more often
VIP_WAIT_S = 2
HOLD_EVERY = 6  # questions between two times of being told to hold on
DUTY_RING_S = 30
OUTGOING_RING_S = 45
_NONE = Twiml().reply()  # the caller is gone, or nothing is asked
_TALKED = frozenset({"completed", "answered"})


class Answers:
    """One per connection."""

    def __init__(self, house: House, settings: Callable[[], TwilioSettings]) -> None:
        """`settings`: those of this moment."""
        self._house, self._settings = house, settings
        self._line = Line(house.scenario.vip)
        self._sounds = Sounds(house.front.prompts) if house.front else None

    async def to(self, fact: Fact, place: Place) -> Reply:
        """What Twilio is to do next with the call that this fact is of."""
        if said(fact, "CallStatus") in ENDED and fact.kind != Page.FALLBACK:
            self._line.rung(fact.call_id)
            self._line.gone(fact.call_id)
            return _NONE
        front = self._house.front
        if front is None and fact.kind in (Page.VOICE, Page.MENU, Page.AFTER_BOT):
            return self.people()
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
                return self._operators(fact.call_id, place)
            case Page.DIALLED:
                return self._dialled(fact, place)
            case Page.DUTY:
                return self._duty(fact, place)
            case Page.VOICEMAIL:
                return self._voicemail(place)
            case Page.ZERO:
                return self._zero(fact, place)
            case Page.MESSAGE:
                return self._message(fact, place)
            case Page.TRANSFER:
                return self._transfer(place)
            case Page.OUTGOING:
                return self._outgoing(fact)
            case Page.CALL_BACK:
                return self._ring_outside(place.by, place.to)
            case Page.STATUS | Page.LEG | Page.RECORDING:
                return Reply()
        if self._settings().operator_at(said(fact, "From")) is not None:
            return Twiml().hang_up().reply()  # an operator's own call has failed: nobody is to be rung for it
        return self.people()

    def people(self) -> Reply:
        """Ring all operators of the first queue: what holds when nothing else does. Needs nobody."""
        scenario = self._house.scenario
        return self._dial(
            Twiml(), scenario.queues[scenario.default_queue].operators, Page.DUTY, Place(), DUTY_RING_S
        ).reply()

    # --- reception ---

    async def _voice(self, fact: Fact, front: Front) -> Reply:
        received = self._telling.came_in(fact)
        number = str(received.data["caller_raw"])
        caller = await self._house.caller(number) if number else None
        vip = caller.vip_level if caller is not None else 0
        if caller is not None:
            known: dict[str, Value] = {"customer_id": caller.customer_id, "vip_level": vip}
            self._note(front, fact, EventKind.CUSTOMER_FOUND, known)
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
            return self._to_people(place, HandOver.FAULT).reply()
        key = pressed(scenario, state, said(fact, "Digits"))
        again = key.again and state.steps < MAX_STEPS
        step = intro_again(scenario, state) if again else advance(scenario, state, key.key)
        return self._do(fact.call_id, step, place.vip)

    def _do(self, call_id: str, step: Step, vip: int) -> Reply:
        language = step.state.language or self._house.scenario.language
        place = Place(vip=vip, language=language)
        if isinstance(step.do, Ask):
            asks_next = self._addresses.of(Page.MENU, Place(state=word_of(step.state), vip=vip))
            sounds = self._play(step.do.prompts, language)
            return Twiml().gather(asks_next, sounds, step.do.wait_s).redirect(asks_next).reply()
        return self._leave(call_id, step.do, place)

    def _leave(self, call_id: str, leave: Leave, place: Place) -> Reply:
        match leave.next:
            case Next.BOT:
                return self._bot(call_id, place)
            case Next.VOICEMAIL:
                return Twiml().redirect(self._addresses.of(Page.VOICEMAIL, place)).reply()
            case Next.BYE:
                return Twiml().hang_up().reply()
        return self._to_people(place, leave.reason, leave.queue).reply()

    def _bot(self, call_id: str, place: Place) -> Reply:
        front = self._house.front
        if front is None or not front.bot_speaks(place.language):
            return self._to_people(place, HandOver.MENU_CHOICE).reply()
        conversation = front.bot.announce(call_id, place.language)
        if conversation is None:
            return self._to_people(place, HandOver.SURGE).reply()
        afterwards = self._addresses.of(Page.AFTER_BOT, replace(place, talk=str(conversation)))
        return Twiml().stream(self._addresses.stream(str(conversation))).redirect(afterwards).reply()

    def _after_bot(self, place: Place) -> Reply:
        front = self._house.front
        try:
            outcome = front.bot.decision(UUID(place.talk)) if front else None
        except ValueError:
            outcome = None
        leave = after_bot(outcome, self._house.scenario.default_queue)
        return self._leave("", leave, place)

    # --- people ---

    def _to_people(self, place: Place, reason: HandOver | None, queue: str | None = None) -> Twiml:
        wanted = Place(
            queue=queue or self._house.scenario.default_queue,
            since=self._now,
            vip=place.vip,
            language=place.language,
            why=reason.value if reason else "",
        )
        return Twiml().redirect(self._addresses.of(Page.OPERATORS, wanted))

    def _operators(self, call_id: str, place: Place) -> Reply:
        said_so = Twiml()
        if place.turn == 0:
            said_so.play(self._play(("connecting",), place.language))
        if place.to:
            return self._dial(said_so, (place.to,), Page.DIALLED, place, self._queue(place).ring_s).reply()
        queue, now = self._queue(place), self._now
        there = [one for one in queue.operators if self._settings().addresses(one) and self._takes_calls(one)]
        if not there or now - place.since >= queue.wait_s:
            return self._nobody(said_so, call_id, place)
        waiter = Waiter(call_id, float(place.since), place.vip)
        before = self._line.before(place.queue, waiter, now)
        ring = whom_to_ring(there, self._busy(now), before, place.turn, everybody=place.vip > 0)
        if not ring:
            return self._hold(said_so, place)
        self._line.rings(place.queue, waiter, ring, now + queue.ring_s)
        return self._dial(said_so, ring, Page.DIALLED, place.again(), queue.ring_s).reply()

    def _hold(self, twiml: Twiml, place: Place) -> Reply:
        if place.turn % HOLD_EVERY == 0:
            twiml.play(self._play(("please_hold",), place.language))
        twiml.pause(VIP_WAIT_S if place.vip else WAIT_S)
        return twiml.redirect(self._addresses.of(Page.OPERATORS, place.again())).reply()

    def _dialled(self, fact: Fact, place: Place) -> Reply:
        self._line.rung(fact.call_id)
        if said(fact, "DialCallStatus") in _TALKED or place.way:
            return Twiml().hang_up().reply()
        if place.to and place.by and place.to != place.by and self._settings().addresses(place.by):
            # Nobody took the caller who was sent there: back to whoever sent them.
            return self._dial(
                Twiml(), (place.by,), Page.DIALLED, replace(place, to=place.by), self._queue(place).ring_s
            ).reply()
        if place.to:
            return self._to_people(place, None).reply()
        return self._operators(fact.call_id, place)

    def _nobody(self, twiml: Twiml, call_id: str, place: Place) -> Reply:
        self._line.gone(call_id)
        duty = self._house.scenario.duty_phone
        if duty is None:
            return twiml.redirect(self._addresses.of(Page.VOICEMAIL, place)).reply()
        twiml.play(self._play(("duty_ringing",), place.language))
        phone = Phone(duty, self._addresses.of(Page.LEG, Place(who=DUTY)))
        afterwards = self._addresses.of(Page.DUTY, place)
        recording = self._addresses.of(Page.RECORDING)
        return twiml.dial([phone], afterwards, ring_s=DUTY_RING_S, recording=recording).reply()

    def _duty(self, fact: Fact, place: Place) -> Reply:
        if said(fact, "DialCallStatus") in _TALKED:
            return Twiml().hang_up().reply()
        return Twiml().redirect(self._addresses.of(Page.VOICEMAIL, place)).reply()

    def _voicemail(self, place: Place) -> Reply:
        afterwards = self._addresses.of(Page.ZERO, place)
        sounds = self._play(("voicemail",), place.language)
        return Twiml().gather(afterwards, sounds, 1).redirect(afterwards).reply()

    def _zero(self, fact: Fact, place: Place) -> Reply:
        if OPERATOR_KEY in said(fact, "Digits"):
            return self._to_people(place, HandOver.PRESSED_ZERO).reply()
        afterwards = self._addresses.of(Page.MESSAGE, place)
        return Twiml().record(afterwards, self._addresses.of(Page.RECORDING)).redirect(afterwards).reply()

    def _message(self, fact: Fact, place: Place) -> Reply:
        if OPERATOR_KEY in said(fact, "Digits"):
            return self._to_people(place, HandOver.PRESSED_ZERO).reply()
        return Twiml().play(self._play(("voicemail_thanks",), place.language)).hang_up().reply()

    # --- what operators do ---

    def _transfer(self, place: Place) -> Reply:
        ring_s = self._queue(place).ring_s
        if place.to in self._house.scenario.operators:
            return self._dial(Twiml(), (place.to,), Page.DIALLED, place, ring_s).reply()
        phone = Phone(place.to, self._addresses.of(Page.LEG, Place(who=place.to)))
        afterwards = self._addresses.of(Page.DIALLED, place)
        recording = self._addresses.of(Page.RECORDING)
        return Twiml().dial([phone], afterwards, ring_s=ring_s, recording=recording).reply()

    def _outgoing(self, fact: Fact) -> Reply:
        operator = self._settings().operator_at(said(fact, "From"))
        if operator is None:
            return Twiml().hang_up().reply()  # nobody's phone of ours
        other = self._telling.whom(said(fact, "To"))
        if other is not None:
            return self._dial(Twiml(), (other,), Page.DIALLED, Place(way="in"), OUTGOING_RING_S).reply()
        return self._ring_outside(operator, number_of(said(fact, "To")))

    def _ring_outside(self, operator: str, dialled: str) -> Reply:
        number = self._house.normalise(dialled)
        if number is None:
            return Twiml().hang_up().reply()
        phone = Phone(number, self._addresses.of(Page.LEG, Place(who=operator, way="out")))
        afterwards = self._addresses.of(Page.DIALLED, Place(way="out"))
        return (
            Twiml()
            .dial(
                [phone],
                afterwards,
                ring_s=OUTGOING_RING_S,
                recording=self._addresses.of(Page.RECORDING, Place(way="out")),
                caller_id=self._settings().caller_id or self._house.scenario.lines[0],
            )
            .reply()
        )

    # --- what all need ---

    def _dial(
        self, twiml: Twiml, operators: tuple[str, ...], afterwards: Page, place: Place, ring_s: int
    ) -> Twiml:
        phones = [
            Phone(address, self._addresses.of(Page.LEG, Place(who=operator)))
            for operator in operators
            for address in self._settings().addresses(operator)
        ]
        after = self._addresses.of(afterwards, place)
        if not phones:
            return twiml.redirect(self._addresses.of(Page.VOICEMAIL, place))
        return twiml.dial(phones, after, ring_s=ring_s, recording=self._addresses.of(Page.RECORDING))

    def _play(self, prompts: tuple[str, ...], language: str) -> list[str]:
        if self._sounds is None:
            return []
        names = self._sounds.names(prompts, language or self._house.scenario.language)
        return [self._addresses.sound(name) for name in names]

    def _busy(self, now: int) -> set[str]:
        live = self._house.front.live() if self._house.front else ()
        talking = {call.operator for call in live if call.state is CallState.TALKING and call.operator}
        return talking | self._line.ringing(now)

    def _takes_calls(self, operator: str) -> bool:
        return self._house.front is None or self._house.front.takes_calls(operator)

    def _queue(self, place: Place) -> Queue:
        scenario = self._house.scenario
        return scenario.queues.get(place.queue) or scenario.queues[scenario.default_queue]

    def _note(self, front: Front, fact: Fact, kind: EventKind, data: dict[str, Value]) -> None:
        name = f"{kind}:{fact.call_id}:{fact.kind}"
        front.publish(CallEvent(VENDOR, name, fact.call_id, fact.at, kind, data))

    async def sound(self, name: str) -> bytes | None:
        """See `Sounds.read`."""
        return await self._sounds.read(name) if self._sounds else None

    @property
    def _now(self) -> int:
        return int(self._house.clock().timestamp())

    @property
    def _addresses(self) -> Addresses:
        return Addresses(self._settings().public_url)

    @property
    def _telling(self) -> Telling:
        return Telling(self._settings(), self._house.scenario, self._house.normalise)
