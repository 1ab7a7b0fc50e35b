"""A caller checks a ticket over a real SIP call: by voice, by keys, and with the company in trouble."""

import asyncio

import pytest

from cti.demo.network import Leg
from tests.house.bot import at_the_bot, bot_says
from tests.house.centre import Centre
from tests.house.desk_view import Outcome, outcome_of
from tests.house.office import GONE, SLOW, WON, WRONG
from tests.house.voices import Voices
from tickets.vocabulary import CallOutcome, EventKind, HandOver, TicketStatus

pytestmark = [pytest.mark.house, pytest.mark.asyncio(loop_scope="session")]

TROUBLES = {"+12025550161": (SLOW, "late"), "+12025550162": (WRONG, "unfit"), "+12025550163": (GONE, "gone")}


async def asks_to_check(centre: Centre, voices: Voices, number: str) -> tuple[Leg, str]:
    """A caller who has asked the bot to check a ticket, and is asked for its number."""
    caller, call_id = await at_the_bot(centre, number)
    await caller.say(voices["check_ticket"])
    await bot_says(centre, caller, call_id, "ask:ticket")
    return caller, call_id


def learnt(outcome: Outcome, about: str) -> list[object]:
    return [
        event.data["value"]
        for event in outcome.events
        if event.kind is EventKind.BOT_LEARNT and event.data["about"] == about
    ]


async def test_a_caller_checks_a_ticket_by_voice(served: Centre, voices: Voices) -> None:
    caller, call_id = await asks_to_check(served, voices, "+12025550160")
    await caller.say(voices["ticket_number"])
    await bot_says(served, caller, call_id, "confirm:ticket")
    await caller.say(voices["that_is_right"])
    await bot_says(served, caller, call_id, "anything_else")
    await caller.say(voices["no_thanks"])
    await asyncio.wait_for(caller.hung_up.wait(), 40)
    outcome = await outcome_of(served, call_id)
    assert outcome.call.outcome is CallOutcome.ANSWERED_BY_BOT
    assert (outcome.ticket.topic, outcome.ticket.status) == ("Check a ticket", TicketStatus.CLOSED)
    assert learnt(outcome, "slot") == [WON]
    told = [
        event.data["text"] for event in outcome.events if event.data.get("intent") == "answer:check_ticket"
    ]
    assert told == ["Congratulations! Your ticket has won 120 dollars in the draw of November 21, 2026."]


async def test_a_caller_checks_a_ticket_by_keys(served: Centre, voices: Voices) -> None:
    caller, call_id = await asks_to_check(served, voices, "+12025550164")
    await caller.press(WON)
    await bot_says(served, caller, call_id, "confirm:ticket")
    await caller.press("1")
    await bot_says(served, caller, call_id, "anything_else")
    await caller.hang_up()
    outcome = await outcome_of(served, call_id)
    assert outcome.call.outcome is CallOutcome.ANSWERED_BY_BOT
    assert outcome.ticket.topic == "Check a ticket"
    assert learnt(outcome, "lookup") == ["found"]


async def test_a_company_system_that_is_slow_wrong_or_gone_leads_to_an_operator_who_knows_why(
    served: Centre, voices: Voices
) -> None:
    async def check(number: str, ticket: str) -> str:
        caller, call_id = await asks_to_check(served, voices, number)
        await caller.press(ticket)
        await bot_says(served, caller, call_id, "confirm:ticket")
        await caller.press("1")
        await served.queued(call_id, within_s=30)
        await caller.hang_up()
        return call_id

    async with asyncio.TaskGroup() as callers:
        calls = {
            number: callers.create_task(check(number, ticket)) for number, (ticket, _) in TROUBLES.items()
        }
    for number, call in calls.items():
        ticket, trouble = TROUBLES[number]
        outcome = await outcome_of(served, call.result())
        assert outcome.call.hand_over is HandOver.LOOK_UP
        assert learnt(outcome, "wanted") == [""]
        assert (learnt(outcome, "slot"), learnt(outcome, "lookup")) == ([ticket], [trouble])
