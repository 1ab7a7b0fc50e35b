"""Whole calls through a real Asterisk: menu, bot, queue, voicemail; every one ends as one ticket."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from cti.asterisk.events import OperatorConnected, WaitingCaller
from cti.demo.network import Leg
from tests.fakes.until import eventually
from tests.house.bot import at_the_bot, bot_says
from tests.house.centre import REACH_S, Centre, any_phone
from tests.house.conftest import PLAIN, VIP
from tests.house.desk_view import outcome_of
from tests.house.voices import Voices
from tickets.customers import CustomerBook
from tickets.vocabulary import CallOutcome, EventKind, HandOver, TicketStatus

SMALL_VIP = "+12025550134"

pytestmark = [pytest.mark.house, pytest.mark.asyncio(loop_scope="session")]


async def converse(centre: Centre, voices: Voices, caller: Leg, phone: Leg) -> None:
    """Operator and caller exchange a sentence, and the caller hangs up."""
    await phone.answer()
    await phone.say(voices["hello"])
    await caller.say(voices["wish"])
    await caller.hang_up()
    await asyncio.wait_for(phone.hung_up.wait(), 10)


async def test_it_informs_by_digits_alone_and_closes_the_ticket(served: Centre) -> None:
    caller, call_id = await served.call("+12025550101")
    await caller.wait_for_quiet()
    await caller.press("2")
    await caller.wait_for_quiet()
    await caller.press("1")
    await asyncio.wait_for(caller.hung_up.wait(), 40)
    outcome = await outcome_of(served, call_id)
    assert [event.data["digit"] for event in outcome.events if event.kind is EventKind.MENU_CHOICE] == [
        "2",
        "1",
    ]
    assert outcome.call.outcome is CallOutcome.INFORMED_BY_MENU
    assert outcome.ticket.status is TicketStatus.CLOSED
    assert outcome.recording.seconds > 5


async def test_the_bot_answers_from_the_callers_voice_and_closes_the_ticket(
    served: Centre, voices: Voices
) -> None:
    caller, call_id = await served.call(PLAIN)
    await caller.wait_for_quiet()  # hears the whole menu
    await caller.press("1")
    await bot_says(served, caller, call_id, "greeting")
    await caller.say(voices["next_draw"])
    await bot_says(served, caller, call_id, "anything_else")
    await caller.say(voices["no_thanks"])
    await asyncio.wait_for(caller.hung_up.wait(), 40)
    outcome = await outcome_of(served, call_id, transcript=True)
    assert outcome.call.outcome is CallOutcome.ANSWERED_BY_BOT
    assert outcome.ticket.topic == "Next draw"
    assert outcome.ticket.status is TicketStatus.CLOSED
    assert outcome.ticket.customer_name == "Grace Hill"
    assert outcome.recording.transcript is not None
    said = {phrase.speaker: phrase.text.lower() for phrase in reversed(outcome.recording.transcript.phrases)}
    assert "draw" in said["caller"]
    assert "bot" in said


async def test_the_bot_hands_over_what_it_does_not_know(served: Centre, voices: Voices) -> None:
    caller, call_id = await at_the_bot(served, "+12025550102")
    await caller.say(voices["unknown"])
    phone = await any_phone(served)
    await converse(served, voices, caller, phone)
    outcome = await outcome_of(served, call_id, transcript=True)
    assert outcome.call.hand_over is HandOver.OUT_OF_SCOPE
    assert outcome.call.outcome is CallOutcome.ANSWERED_BY_OPERATOR
    assert outcome.call.operator == phone.number
    assert outcome.ticket.status is TicketStatus.OPEN
    assert outcome.recording.transcript is not None
    assert {"caller", "operator", "bot"} <= {
        phrase.speaker for phrase in outcome.recording.transcript.phrases
    }


async def test_a_wish_for_a_person_in_words_is_a_hand_over(served: Centre, voices: Voices) -> None:
    caller, call_id = await at_the_bot(served, "+12025550103")
    await caller.say(voices["operator"])
    await served.queued(call_id)
    await caller.hang_up()
    outcome = await outcome_of(served, call_id)
    assert outcome.call.hand_over is HandOver.ASKED
    assert outcome.call.outcome is CallOutcome.ABANDONED


async def at_the_greeting(centre: Centre, caller: Leg, call_id: str) -> None:
    await centre.stage(call_id, "menu")
    await asyncio.sleep(0.5)  # nobody presses before they have heard anything


async def at_the_menu(centre: Centre, caller: Leg, call_id: str) -> None:
    await caller.wait_for_quiet()


async def in_a_sub_menu(centre: Centre, caller: Leg, call_id: str) -> None:
    await caller.wait_for_quiet()
    await caller.press("2")


async def during_an_announcement(centre: Centre, caller: Leg, call_id: str) -> None:
    await caller.wait_for_quiet()
    await caller.press("3")


async def after_a_wrong_key(centre: Centre, caller: Leg, call_id: str) -> None:
    await caller.wait_for_quiet()
    await caller.press("7")


async def while_the_bot_speaks(centre: Centre, caller: Leg, call_id: str) -> None:
    await caller.wait_for_quiet()
    await caller.press("1")
    await centre.stage(call_id, "bot")


async def while_the_bot_listens(centre: Centre, caller: Leg, call_id: str) -> None:
    await while_the_bot_speaks(centre, caller, call_id)
    await bot_says(centre, caller, call_id, "greeting")


MOMENTS: dict[str, Callable[[Centre, Leg, str], Awaitable[None]]] = {
    "+12025550151": at_the_greeting,
    "+12025550152": at_the_menu,
    "+12025550153": in_a_sub_menu,
    "+12025550154": during_an_announcement,
    "+12025550155": after_a_wrong_key,
    "+12025550156": while_the_bot_speaks,
    "+12025550157": while_the_bot_listens,
}


async def test_zero_is_a_person_at_every_moment(served: Centre) -> None:
    async def press_zero(number: str, moment: Callable[[Centre, Leg, str], Awaitable[None]]) -> str:
        caller, call_id = await served.call(number)
        await moment(served, caller, call_id)
        await caller.press("0")
        try:
            await served.queued(call_id, within_s=REACH_S)
        except AssertionError as error:
            raise AssertionError(f"{moment.__name__}: zero did not lead to the queue") from error
        await caller.hang_up()
        return call_id

    async with asyncio.TaskGroup() as callers:
        calls = {moment.__name__: callers.create_task(press_zero(n, moment)) for n, moment in MOMENTS.items()}
    reasons = {name: (await outcome_of(served, call.result())).call.hand_over for name, call in calls.items()}
    assert reasons == dict.fromkeys(calls, HandOver.PRESSED_ZERO)


async def test_a_vip_goes_first_and_who_has_waited_long_is_not_overtaken(served: Centre) -> None:
    await pause(served, "102")
    await CustomerBook(served.database.sessions).add("Omar Haddad", [SMALL_VIP], vip_level=1)
    busy, _ = await served.exchange.network.ring_colleague("101", "102")  # nobody is free
    legs: dict[str, Leg] = {}
    calls: dict[str, str] = {}
    for number in ("+12025550105", "+12025550106", SMALL_VIP, VIP):
        legs[number], calls[number] = await served.call(number)
        await at_the_greeting(served, legs[number], calls[number])
        await legs[number].press("0")
        await served.queued(calls[number])
    # All joined with the priority of their level: by that alone, the small VIP would be the second.
    expected = [VIP, "+12025550105", "+12025550106", SMALL_VIP]

    async def in_order() -> bool:
        waiting = await served.pbx.list_action("QueueStatus")
        entries = [one.uniqueid for one in waiting if isinstance(one, WaitingCaller)]
        return entries == [calls[number] for number in expected]

    await eventually(in_order, 10, "the queue is in the order of the scenario")
    for number in expected:
        since = len(served.listener.events)
        await busy.hang_up()
        await (await served.exchange.network.phone_rings("101")).answer()
        connected = await served.listener.wait(lambda e: isinstance(e, OperatorConnected), since=since)
        assert isinstance(connected, OperatorConnected)
        assert connected.uniqueid == calls[number]
        busy = legs[number]
    await busy.hang_up()
    outcome = await outcome_of(served, calls[VIP])
    assert (outcome.call.vip_level, outcome.call.priority) == (2, 20)


async def test_with_nobody_there_a_message_becomes_a_ticket(served: Centre, voices: Voices) -> None:
    await pause(served, "101", "102")
    caller, call_id = await served.call(PLAIN)
    await at_the_greeting(served, caller, call_id)
    await caller.press("0")
    duty = await served.exchange.network.phone_rings("+12025550199")
    await duty.hang_up()  # the person on duty is busy
    await served.stage(call_id, "voicemail")
    await caller.wait_for_quiet(700)
    await caller.say(voices["message"])
    await asyncio.wait_for(caller.hung_up.wait(), 60)
    outcome = await outcome_of(served, call_id, transcript=True)
    assert outcome.call.outcome is CallOutcome.VOICEMAIL
    assert outcome.ticket.status is TicketStatus.OPEN
    assert outcome.recording.transcript is not None
    said = " ".join(p.text.lower() for p in outcome.recording.transcript.phrases if p.speaker == "caller")
    assert "call me back" in said


async def test_the_duty_phone_answers_when_the_queue_has_nobody(served: Centre, voices: Voices) -> None:
    await pause(served, "101", "102")
    caller, call_id = await served.call("+12025550107")
    await at_the_greeting(served, caller, call_id)
    await caller.press("0")
    duty = await served.exchange.network.phone_rings("+12025550199")
    await converse(served, voices, caller, duty)
    outcome = await outcome_of(served, call_id)
    assert outcome.call.outcome is CallOutcome.ANSWERED_BY_OPERATOR
    assert outcome.call.operator == "duty"


async def pause(centre: Centre, *extensions: str) -> None:
    """Take these operators out of the queue until the test ends (see `Centre.clear_lines`)."""
    for extension in extensions:
        await centre.pbx.action("QueuePause", Interface=f"PJSIP/{extension}", Paused="true")
