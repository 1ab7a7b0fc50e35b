"""Callers and people: who is rung, who waits, who leaves a message; and what operators do with calls.

Whatever is missing, a caller ends with a person or at voicemail, and there zero is a person.
"""

from collections.abc import Callable
from dataclasses import replace

from cti.asterisk.translate import DUTY
from cti.virtual_pbx.contract import House, Reply
from cti.virtual_pbx.vendors.twilio.addresses import Addresses, Page, Place
from cti.virtual_pbx.vendors.twilio.hooks import said
from cti.virtual_pbx.vendors.twilio.line import Line, whom_to_ring
from cti.virtual_pbx.vendors.twilio.settings import TwilioSettings
from cti.virtual_pbx.vendors.twilio.sounds import Sound, Sounds
from cti.virtual_pbx.vendors.twilio.telling import Telling, number_of
from cti.virtual_pbx.vendors.twilio.twiml import Phone, Twiml
from cti.waiting.ageing import Waiter
from ivr.menu import OPERATOR_KEY
from ivr.scenario import Queue
from tickets.facts import Fact
from tickets.vocabulary import CallState, HandOver

WAIT_S = 4  # between two questions of somebody who waits; a VIP asks more often
VIP_WAIT_S = 2
HOLD_EVERY = 6  # questions between two times of being told to hold on
BUSY_S = 10  # before a phone that was busy is rung again
DUTY_RING_S = 30
OUTGOING_RING_S = 45
_TALKED = frozenset({"completed", "answered"})
_AT_ONCE = frozenset({"busy", "failed"})  # is told without a moment of ringing


class People:
    """One per connection."""

    def __init__(self, house: House, settings: Callable[[], TwilioSettings]) -> None:
        """`settings`: those of this moment."""
        self._house, self._settings = house, settings
        self._line = Line(house.scenario.vip)
        self._sounds = Sounds(house.front.prompts) if house.front else None

    def to_people(self, place: Place, reason: HandOver | None, queue: str | None = None) -> Twiml:
        """The caller gets a person, now or in their turn; `reason`: None where it was told already."""
        wanted = Place(
            queue=queue or self._house.scenario.default_queue,
            since=self.now,
            vip=place.vip,
            language=place.language,
            why=reason.value if reason else "",
        )
        return Twiml().redirect(self.addresses.of(Page.OPERATORS, wanted))

    def operators(self, call_id: str, place: Place) -> Reply:
        """Ring whose turn it is; else wait on."""
        said_so = Twiml()
        if place.turn == 0:
            said_so.play(self.play(("connecting",), place.language))
        if place.to:
            return self._dial(said_so, (place.to,), Page.DIALLED, place, self._queue(place).ring_s).reply()
        queue, now = self._queue(place), self.now
        there = [one for one in queue.operators if self._settings().addresses(one) and self._is_there(one)]
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
            twiml.play(self.play(("please_hold",), place.language))
        twiml.pause(VIP_WAIT_S if place.vip else WAIT_S)
        return twiml.redirect(self.addresses.of(Page.OPERATORS, place.again())).reply()

    def dialled(self, fact: Fact, place: Place) -> Reply:
        """The phones have rung, or they have talked."""
        became = said(fact, "DialCallStatus")
        self._line.rung(fact.call_id, self.now + BUSY_S if became in _AT_ONCE else None)
        if became in _TALKED or place.way:
            return Twiml().hang_up().reply()
        if place.to and place.by and place.to != place.by and self._settings().addresses(place.by):
            # Nobody took the caller who was sent there: back to whoever sent them.
            return self._dial(
                Twiml(), (place.by,), Page.DIALLED, replace(place, to=place.by), self._queue(place).ring_s
            ).reply()
        if place.to:
            return self.to_people(place, None).reply()
        return self.operators(fact.call_id, place)

    def _nobody(self, twiml: Twiml, call_id: str, place: Place) -> Reply:
        self._line.gone(call_id)
        duty = self._house.scenario.duty_phone
        if duty is None:
            return twiml.redirect(self.addresses.of(Page.VOICEMAIL, place)).reply()
        twiml.play(self.play(("duty_ringing",), place.language))
        phone = Phone(duty, self.addresses.of(Page.LEG, Place(who=DUTY, since=place.since)))
        afterwards = self.addresses.of(Page.DUTY, place)
        recording = self.addresses.of(Page.RECORDING)
        return twiml.dial([phone], afterwards, ring_s=DUTY_RING_S, recording=recording).reply()

    def duty(self, fact: Fact, place: Place) -> Reply:
        """The duty phone has rung."""
        if said(fact, "DialCallStatus") in _TALKED:
            return Twiml().hang_up().reply()
        return Twiml().redirect(self.addresses.of(Page.VOICEMAIL, place)).reply()

    def voicemail(self, place: Place) -> Reply:
        """The prompt before the tone; zero is a person."""
        afterwards = self.addresses.of(Page.ZERO, place)
        sounds = self.play(("voicemail",), place.language)
        return Twiml().gather(afterwards, sounds, 1).redirect(afterwards).reply()

    def zero(self, fact: Fact, place: Place) -> Reply:
        """The tone, unless zero was pressed."""
        if OPERATOR_KEY in said(fact, "Digits"):
            return self.to_people(place, HandOver.PRESSED_ZERO).reply()
        afterwards = self.addresses.of(Page.MESSAGE, place)
        return Twiml().record(afterwards, self.addresses.of(Page.RECORDING)).redirect(afterwards).reply()

    def message(self, fact: Fact, place: Place) -> Reply:
        """A message was left."""
        if OPERATOR_KEY in said(fact, "Digits"):
            return self.to_people(place, HandOver.PRESSED_ZERO).reply()
        return Twiml().play(self.play(("voicemail_thanks",), place.language)).hang_up().reply()

    # --- what operators do ---

    def transfer(self, place: Place) -> Reply:
        """An operator sends the caller on, to a colleague or outside."""
        ring_s = self._queue(place).ring_s
        if place.to in self._house.scenario.operators:
            return self._dial(Twiml(), (place.to,), Page.DIALLED, place, ring_s).reply()
        phone = Phone(place.to, self.addresses.of(Page.LEG, Place(who=place.to, since=place.since)))
        afterwards = self.addresses.of(Page.DIALLED, place)
        recording = self.addresses.of(Page.RECORDING)
        return Twiml().dial([phone], afterwards, ring_s=ring_s, recording=recording).reply()

    def outgoing(self, fact: Fact) -> Reply:
        """An operator has dialled, on a phone at Twilio."""
        operator = self._settings().operator_at(said(fact, "From"))
        if operator is None:
            return Twiml().hang_up().reply()  # nobody's phone of ours
        other = self.telling.whom(said(fact, "To"))
        if other is not None:
            return self._dial(Twiml(), (other,), Page.DIALLED, Place(way="in"), OUTGOING_RING_S).reply()
        return self.ring_outside(operator, number_of(said(fact, "To")))

    def ring_outside(self, operator: str, dialled: str) -> Reply:
        """Ring somebody outside for an operator."""
        number = self._house.normalise(dialled)
        if number is None:
            return Twiml().hang_up().reply()
        phone = Phone(number, self.addresses.of(Page.LEG, Place(who=operator, way="out")))
        afterwards = self.addresses.of(Page.DIALLED, Place(way="out"))
        return (
            Twiml()
            .dial(
                [phone],
                afterwards,
                ring_s=OUTGOING_RING_S,
                recording=self.addresses.of(Page.RECORDING, Place(way="out")),
                caller_id=self._settings().caller_id or self._house.scenario.lines[0],
            )
            .reply()
        )

    def everybody(self) -> Reply:
        """Ring all operators of the first queue: what holds when nothing else does. Needs nobody."""
        scenario = self._house.scenario
        return self._dial(
            Twiml(), scenario.queues[scenario.default_queue].operators, Page.DUTY, Place(), DUTY_RING_S
        ).reply()

    def gone(self, call_id: str) -> None:
        """The caller has hung up."""
        self._line.rung(call_id)
        self._line.gone(call_id)

    # --- what all need ---

    def _dial(
        self, twiml: Twiml, operators: tuple[str, ...], afterwards: Page, place: Place, ring_s: int
    ) -> Twiml:
        phones = [
            Phone(address, self.addresses.of(Page.LEG, Place(who=operator, since=place.since)))
            for operator in operators
            for address in self._settings().addresses(operator)
        ]
        after = self.addresses.of(afterwards, place)
        if not phones and place.to:
            return self.to_people(place, None)
        if not phones:
            return twiml.redirect(self.addresses.of(Page.VOICEMAIL, place))
        return twiml.dial(phones, after, ring_s=ring_s, recording=self.addresses.of(Page.RECORDING))

    def play(self, prompts: tuple[str, ...], language: str) -> list[str]:
        """Where the sounds of prompts are."""
        if self._sounds is None or self._house.front is None or not self._house.front.prompts.is_spoken:
            return []
        names = self._sounds.names(prompts, language or self._house.scenario.language)
        return [self.addresses.sound(name) for name in names]

    def _busy(self, now: int) -> set[str]:
        front = self._house.front
        if front is None:
            return self._line.ringing(now)
        busy = {call.operator for call in front.live() if call.state is CallState.TALKING and call.operator}
        busy |= {one for one in self._house.scenario.operators if front.writes_up(one)}
        return busy | self._line.ringing(now)

    def _is_there(self, operator: str) -> bool:
        return self._house.front is None or self._house.front.takes_calls(operator)

    def _queue(self, place: Place) -> Queue:
        scenario = self._house.scenario
        return scenario.queues.get(place.queue) or scenario.queues[scenario.default_queue]

    async def sound(self, name: str) -> Sound | None:
        """See `Sounds.read`."""
        return await self._sounds.read(name) if self._sounds else None

    @property
    def now(self) -> int:
        """Epoch seconds."""
        return int(self._house.clock().timestamp())

    @property
    def addresses(self) -> Addresses:
        """Ours."""
        return Addresses(self._settings().public_url)

    @property
    def telling(self) -> Telling:
        """What facts mean, by the settings of this moment."""
        return Telling(self._settings(), self._house.scenario, self._house.normalise)
