"""The promise under fire: whatever happens to the service, the caller is in the queue within five seconds."""

import asyncio
import contextlib
import os
import signal
from datetime import UTC, datetime

import pytest

from tests.house.bot import at_the_bot, bot_says
from tests.house.centre import REACH_S, Centre, any_phone
from tests.house.desk_view import outcome_of
from tests.house.voices import Voices
from tickets.vocabulary import CallOutcome

pytestmark = [pytest.mark.house, pytest.mark.asyncio(loop_scope="session")]


async def test_killed_in_the_menu_the_caller_waits_for_a_person_and_the_call_is_one_ticket(
    served: Centre,
) -> None:
    caller, call_id = await served.call("+12025550141")
    await served.stage(call_id, "menu")
    await asyncio.sleep(1.0)  # in the middle of the greeting
    await killed_and_queued(served, call_id)
    await caller.hang_up()
    await served.start_service()
    outcome = await outcome_of(served, call_id)
    assert outcome.recording.missing_reason is None
    assert outcome.recording.seconds > 1


async def test_killed_during_the_bot_the_caller_waits_for_a_person(served: Centre, voices: Voices) -> None:
    caller, call_id = await at_the_bot(served, "+12025550142")
    await killed_and_queued(served, call_id)
    await served.start_service()  # while the caller waits
    phone = await any_phone(served)
    await phone.answer()
    await phone.say(voices["hello"])
    await caller.hang_up()
    outcome = await outcome_of(served, call_id, transcript=True)
    assert outcome.call.outcome is CallOutcome.ANSWERED_BY_OPERATOR
    assert outcome.recording.seconds > 5


async def test_a_call_that_came_and_went_while_we_were_down_is_one_ticket(
    served: Centre, voices: Voices
) -> None:
    served.signal_service(signal.SIGKILL)
    caller, call_id = await served.call("+12025550143")
    await served.queued(call_id, REACH_S)
    phone = await any_phone(served)
    await phone.answer()
    await phone.say(voices["hello"])
    await caller.hang_up()
    await asyncio.wait_for(phone.hung_up.wait(), 10)
    await served.start_service()
    outcome = await outcome_of(served, call_id)
    assert outcome.call.found_later
    assert outcome.call.outcome is CallOutcome.ANSWERED_BY_OPERATOR
    assert outcome.call.caller == "+12025550143"
    assert outcome.recording.missing_reason is None


async def test_frozen_during_the_bot_it_is_killed_and_the_caller_waits_for_a_person(served: Centre) -> None:
    caller, call_id = await at_the_bot(served, "+12025550146")
    served.signal_service(signal.SIGSTOP)
    await served.queued(call_id, REACH_S)
    assert await served.service_died(REACH_S) == -signal.SIGKILL
    await caller.hang_up()
    await served.start_service()
    assert (await outcome_of(served, call_id)).recording.missing_reason is None


async def test_frozen_with_its_guard_the_fuse_brings_the_caller_to_the_queue(served: Centre) -> None:
    family = served.service_family()
    assert len(family) > 1
    for pid in reversed(family):
        os.kill(pid, signal.SIGSTOP)
    try:
        caller, call_id = await served.call("+12025550144")
        await served.queued(call_id, REACH_S)
    finally:
        for pid in family:
            os.kill(pid, signal.SIGCONT)
    await caller.hang_up()
    assert (await outcome_of(served, call_id)).recording.missing_reason is None


async def test_strangers_at_the_doors_change_nothing_for_a_call(served: Centre, voices: Voices) -> None:
    settings = served.settings
    caller, call_id = await served.call("+12025550145")
    silent = []
    for port in (settings.agi_port, settings.audiosocket_port, settings.http_port):
        for rubbish in (
            b"",
            b"\xff\x00" * 4000,
            b"GET / HTTP/1.1\r\nX: " + b"a" * 200_000,
            b"agi_network: yes\n" * 9000,
        ):
            await _knock(port, rubbish)
        silent.append(await asyncio.open_connection("127.0.0.1", port))  # says nothing, and stays
    await caller.wait_for_quiet()
    await caller.press("1")
    await bot_says(served, caller, call_id, "greeting")
    await caller.say(voices["next_draw"])
    await bot_says(served, caller, call_id, "anything_else")
    await caller.say(voices["no_thanks"])
    await asyncio.wait_for(caller.hung_up.wait(), 40)
    for _, writer in silent:
        writer.close()
    outcome = await outcome_of(served, call_id)
    assert outcome.call.outcome is CallOutcome.ANSWERED_BY_BOT


async def killed_and_queued(centre: Centre, call_id: str) -> None:
    """Kill the service; the caller must be in the operators' queue in time."""
    killed_at = datetime.now(UTC)
    centre.signal_service(signal.SIGKILL)
    joined = await centre.queued(call_id, REACH_S)
    print(f"in the queue {(joined.at - killed_at).total_seconds():.2f} s after the kill")


async def _knock(port: int, rubbish: bytes) -> None:
    """Connect, say rubbish, go."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(ConnectionError, TimeoutError):
        writer.write(rubbish)
        async with asyncio.timeout(2):
            await writer.drain()
    writer.close()
