"""Called back: who waits takes the offer, hangs up, and is rung once when an operator is free."""

import asyncio
import contextlib
import signal

import pytest

from cti.asterisk.events import NewChannel
from cti.demo.network import Leg
from tests.fakes.until import eventually
from tests.house.centre import Centre, any_phone
from tests.house.desk_view import outcome_of
from tests.house.voices import Voices
from tickets.promise import is_attempt
from tickets.promises import PromiseBook, PromiseLine
from tickets.vocabulary import AttemptResult, CallOutcome, Direction, EventKind, PromiseState

pytestmark = [pytest.mark.house, pytest.mark.asyncio(loop_scope="session")]


async def takes_the_offer(centre: Centre, number: str) -> str:
    """Somebody rings in, waits, presses one twice and is said good-bye to; the call's id."""
    caller, call_id = await centre.call(number)
    await centre.stage(call_id, "menu")
    await caller.wait_for_quiet(300)
    await caller.press("0")
    await centre.queued(call_id)
    for _ in range(10):  # a key is heard once "I am putting you through" has been said
        await caller.press("1")
        with contextlib.suppress(AssertionError):
            await centre.stage(call_id, "offer", 1.0)
            break
    await caller.wait_for_quiet()
    await caller.press("1")
    await asyncio.wait_for(caller.hung_up.wait(), 30)
    return call_id


async def converse(phone: Leg, person: Leg, voices: Voices) -> None:
    await phone.answer()
    await phone.say(voices["hello"])
    await person.say(voices["wish"])
    await person.hang_up()
    await asyncio.wait_for(phone.hung_up.wait(), 10)


async def promise_of(centre: Centre, call_id: str, state: PromiseState) -> PromiseLine:
    """The promise of a call, once it is in that state."""
    book = PromiseBook(centre.database.sessions, deadline_s=10)

    async def look() -> PromiseLine | None:
        line = await book.about_call(call_id)
        return line if line is not None and line.promise.state is state else None

    return await eventually(look, 40, f"the promise is {state}")


def rung(centre: Centre) -> list[str]:
    """Ids of the channels that the PBX made to call somebody back."""
    return [event.uniqueid for event in centre.listener.events
            if isinstance(event, NewChannel) and is_attempt(event.uniqueid)]  # fmt: skip


async def test_who_takes_the_offer_is_rung_once_when_an_operator_is_free(
    served: Centre, voices: Voices
) -> None:
    number, before = "+12025550151", len(rung(served))
    network = served.exchange.network
    own, _ = await network.ring_colleague("101", "102")
    call_id = await takes_the_offer(served, number)
    first = await outcome_of(served, call_id)
    assert first.call.outcome is CallOutcome.CALL_BACK
    assert EventKind.CALL_BACK_PROMISED in first.kinds()
    promised = await promise_of(served, call_id, PromiseState.OPEN)
    assert promised.promise.number == number
    assert len(rung(served)) == before  # nobody is free
    await own.hang_up()
    person = await network.phone_rings(number, 30)
    await person.answer()
    await converse(await any_phone(served), person, voices)

    kept = await promise_of(served, call_id, PromiseState.CALLED)
    (attempt_id,) = rung(served)[before:]
    assert kept.promise.ended_in == attempt_id
    assert [one.attempt.result for one in kept.tried] == [AttemptResult.TALKED]
    back = await outcome_of(served, attempt_id, transcript=True)
    assert (back.call.direction, back.call.caller) == (Direction.OUTBOUND, number)
    assert back.call.outcome is CallOutcome.ANSWERED_BY_OPERATOR
    assert (kept.ticket_number, kept.ended_ticket) == (first.ticket.number, back.ticket.number)


async def test_killed_after_the_promise_and_again_while_the_phone_rings_it_rings_once(
    served: Centre, voices: Voices
) -> None:
    number, before = "+12025550152", len(rung(served))
    network = served.exchange.network
    own, _ = await network.ring_colleague("101", "102")
    call_id = await takes_the_offer(served, number)
    served.signal_service(signal.SIGKILL)
    await own.hang_up()
    await served.start_service()
    person = await network.phone_rings(number, 30)
    served.signal_service(signal.SIGKILL)
    await served.start_service()
    await person.answer()
    await converse(await any_phone(served), person, voices)

    kept = await promise_of(served, call_id, PromiseState.CALLED)
    (attempt_id,) = rung(served)[before:]
    assert kept.promise.ended_in == attempt_id
    back = await outcome_of(served, attempt_id)
    assert back.call.outcome is CallOutcome.ANSWERED_BY_OPERATOR
    assert back.recording.missing_reason is None
