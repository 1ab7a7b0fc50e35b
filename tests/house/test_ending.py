"""The service is told to end in the middle of calls: who talks with the bot finishes, who is new queues."""

import asyncio
import signal

import pytest

from tests.house.bot import at_the_bot, bot_says
from tests.house.centre import REACH_S, Centre, any_phone
from tests.house.desk_view import outcome_of
from tests.house.voices import Voices
from tickets.vocabulary import CallOutcome, EventKind, HandOver

pytestmark = [pytest.mark.house, pytest.mark.asyncio(loop_scope="session")]


async def test_told_to_end_the_bots_caller_finishes_and_a_new_one_waits_for_a_person(
    served: Centre, voices: Voices
) -> None:
    asking, asking_id = await at_the_bot(served, "+12025550181")
    served.signal_service(signal.SIGTERM)

    new, new_id = await served.call("+12025550182")
    await served.queued(new_id, REACH_S)

    await asking.say(voices["next_draw"])
    await bot_says(served, asking, asking_id, "anything_else")
    await asking.say(voices["no_thanks"])
    await asyncio.wait_for(asking.hung_up.wait(), 40)
    assert await served.service_died() == 0

    phone = await any_phone(served)  # the service is away: the PBX rings by itself
    await phone.answer()
    await phone.say(voices["hello"])
    await new.hang_up()
    await served.start_service()
    answered, helped = await outcome_of(served, asking_id), await outcome_of(served, new_id)
    assert answered.call.outcome is CallOutcome.ANSWERED_BY_BOT
    assert EventKind.HANDED_OVER not in answered.kinds()
    assert helped.call.outcome is CallOutcome.ANSWERED_BY_OPERATOR
    for outcome in (answered, helped):
        assert outcome.recording.missing_reason is None
        assert outcome.recording.seconds > 1


async def test_told_twice_the_bots_caller_waits_for_a_person_at_once(served: Centre, voices: Voices) -> None:
    caller, call_id = await at_the_bot(served, "+12025550183")
    for sign in (signal.SIGTERM, signal.SIGINT):
        served.signal_service(sign)
    await served.queued(call_id, REACH_S)
    assert await served.service_died() == 0

    phone = await any_phone(served)
    await phone.answer()
    await phone.say(voices["hello"])
    await caller.hang_up()
    await served.start_service()
    outcome = await outcome_of(served, call_id)
    reasons = [event.data["reason"] for event in outcome.events if event.kind is EventKind.HANDED_OVER]
    assert reasons == [HandOver.DEADLINE]
    assert outcome.call.outcome is CallOutcome.ANSWERED_BY_OPERATOR
    assert outcome.recording.missing_reason is None
