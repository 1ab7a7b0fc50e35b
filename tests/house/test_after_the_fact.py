"""Calls that nobody of ours saw: what the PBX's own record makes of them."""

import asyncio
import signal

import pytest

from tests.house.centre import REACH_S, Centre, any_phone
from tests.house.desk_view import outcome_of
from tests.house.voices import Voices
from tickets.vocabulary import CallOutcome, HandOver

pytestmark = [pytest.mark.house, pytest.mark.asyncio(loop_scope="session")]


async def test_calls_that_came_while_we_were_down_have_their_whole_story(
    served: Centre, voices: Voices
) -> None:
    served.signal_service(signal.SIGKILL)
    caller, answered = await served.call("+12025550151")
    await served.queued(answered, REACH_S)
    phone = await any_phone(served)
    await asyncio.sleep(2)  # the caller waits
    await phone.answer()
    await phone.say(voices["hello"])
    await caller.hang_up()
    await asyncio.wait_for(phone.hung_up.wait(), 10)

    for extension in ("101", "102"):
        await served.pbx.action("QueuePause", Interface=f"PJSIP/{extension}", Paused="true")
    caller, on_duty = await served.call("+12025550152")
    duty = await served.exchange.network.phone_rings("+12025550199")
    await duty.answer()
    await duty.say(voices["hello"])
    await caller.hang_up()
    await asyncio.wait_for(duty.hung_up.wait(), 10)

    await served.start_service()
    first = (await outcome_of(served, answered)).call
    assert first.found_later
    assert (first.outcome, first.operator) == (CallOutcome.ANSWERED_BY_OPERATOR, phone.number)
    assert (first.queue, first.hand_over) == ("support", HandOver.FAULT)
    assert first.ended_at is not None
    assert 2 <= first.hold_seconds < 10
    assert first.answered_at is not None
    assert first.talk_seconds == pytest.approx((first.ended_at - first.answered_at).total_seconds())
    assert first.talk_seconds < (first.ended_at - first.received_at).total_seconds() - 2

    second = (await outcome_of(served, on_duty)).call
    assert (second.outcome, second.operator) == (CallOutcome.ANSWERED_BY_OPERATOR, "duty")
    assert second.queued_at is None  # nobody was in the queue: the PBX did not let the caller wait there
    assert second.answered_at is not None
    assert second.talk_seconds > 0
