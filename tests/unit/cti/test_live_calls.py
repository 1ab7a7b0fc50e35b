"""The picture of the calls of this moment, and who hears of its changes."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from cti.assembly.pbx import keep_level
from cti.live import LiveCalls
from tests.fakes.until import until
from tickets.call import Call
from tickets.database import DatabaseAway
from tickets.events import CallEvent
from tickets.ledger import CallChange
from tickets.vocabulary import CallState, EventKind

pytestmark = pytest.mark.unit

BEGAN = datetime(2026, 11, 21, 20, tzinfo=UTC)


def change(call_id: str, state: CallState = CallState.MENU, minute: int = 0) -> CallChange:
    at = BEGAN + timedelta(minutes=minute)
    event = CallEvent("ami", f"{call_id}{state}", call_id, at, EventKind.RECEIVED)
    return CallChange(event, Call(call_id=call_id, received_at=at, state=state), 7, first=False)


def test_it_shows_live_calls_longest_first_and_drops_ended_ones() -> None:
    live = LiveCalls()
    live.begin_with([change("old", minute=-5).call])
    live.changed([change("b", minute=1), change("a"), change("b", CallState.QUEUED, minute=1)])
    assert [(call.call_id, call.state) for call in live.calls()] == [
        ("old", CallState.MENU),
        ("a", CallState.MENU),
        ("b", CallState.QUEUED),
    ]
    assert live.ticket_number("b") == 7
    live.changed([change("b", CallState.ENDED), change("old", CallState.ENDED)])
    assert [call.call_id for call in live.calls()] == ["a"]
    assert live.ticket_number("b") is None


async def test_it_tells_every_listener_of_every_change() -> None:
    live = LiveCalls()
    with live.subscribe() as one, live.subscribe() as two:
        live.changed([change("a")])
        live.changed([change("a", CallState.ENDED)])
        for listener in (one, two):
            changes, missed = await asyncio.wait_for(listener.next(), 5)
            assert [each.call.state for each in changes] == [CallState.MENU, CallState.ENDED]
            assert not missed


async def test_it_tells_a_slow_listener_that_something_was_missed() -> None:
    live = LiveCalls()
    with live.subscribe(hold=2) as slow:
        live.changed([change("a"), change("b"), change("c")])
        changes, missed = await slow.next()
        assert [each.call.call_id for each in changes] == ["b", "c"]
        assert missed
        live.changed([change("d")])
        assert not (await slow.next())[1]


def test_it_forgets_a_listener_who_left() -> None:
    live = LiveCalls()
    with live.subscribe(hold=1) as gone:
        pass
    live.changed([change("a")])
    assert not gone._changes


async def test_it_takes_over_what_another_node_told_the_ledger() -> None:
    live = LiveCalls()
    live.changed([change("ended"), change("moved"), change("same")])
    moved, same, new = (
        change(call_id, state).call
        for call_id, state in (
            ("moved", CallState.QUEUED),
            ("same", CallState.MENU),
            ("new", CallState.TALKING),
        )
    )

    async def ledger() -> list[Call]:
        return [moved, same, new]

    with live.subscribe() as listener:
        assert await live.level(ledger) == [moved, same, new]
        assert {call.call_id: call.state for call in live.calls()} == {
            "moved": CallState.QUEUED,
            "same": CallState.MENU,
            "new": CallState.TALKING,
        }
        assert await asyncio.wait_for(listener.next(), 5) == ([], True)
        assert live.ticket_number("ended") is None


async def test_what_was_told_while_the_ledger_was_read_is_newer() -> None:
    live = LiveCalls()
    live.changed([change("over")])
    read = [change("over").call]

    async def ledger() -> list[Call]:
        live.changed([change("over", CallState.ENDED), change("came", CallState.QUEUED)])
        return read

    await live.level(ledger)
    assert [(call.call_id, call.state) for call in live.calls()] == [("came", CallState.QUEUED)]


async def test_where_there_is_no_asterisk_it_is_kept_level_whatever_the_database_does(
    capsys: pytest.CaptureFixture[str],
) -> None:
    live, fails = LiveCalls(), [True]
    live.changed([change("ended elsewhere")])

    async def ledger() -> list[Call]:
        if fails:
            raise DatabaseAway("gone")
        return [change("begun elsewhere").call]

    task = asyncio.create_task(keep_level(live, ledger, every_s=0.001))
    try:
        await asyncio.sleep(0.05)
        fails.clear()
        await until(lambda: [call.call_id for call in live.calls()] == ["begun elsewhere"])
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert capsys.readouterr().out.count("level_waits") == 1
