"""The picture of this moment: its order and its counts."""

from datetime import UTC, datetime, timedelta

import pytest

from cti.web.board import board_view
from tickets.call import Call
from tickets.desk import CallLine
from tickets.vocabulary import CallState

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 21, 14, 0, tzinfo=UTC)


def line(name: str, state: CallState, ago_s: float, priority: int = 0) -> CallLine:
    at = NOW - timedelta(seconds=ago_s)
    queued_at = at if state is CallState.QUEUED else None
    call = Call(call_id=name, received_at=at, state=state, queued_at=queued_at, priority=priority)
    return CallLine(call, 1, None)


def test_it_puts_first_whom_the_queue_will_serve_first() -> None:
    lines = [
        line("talking", CallState.TALKING, 500),
        line("menu", CallState.MENU, 5),
        line("waits long", CallState.QUEUED, 90),
        line("waits short", CallState.QUEUED, 10),
        line("vip", CallState.QUEUED, 2, priority=10),
        line("bot", CallState.BOT, 30),
    ]
    view = board_view(lines, [], NOW)
    names = [one.call.call_id for one in view.live]
    assert names == ["vip", "waits long", "waits short", "bot", "menu", "talking"]
    assert (view.waiting, view.talking, view.with_bot, view.in_menu) == (3, 1, 1, 1)
    assert view.longest_wait == 90


def test_it_stands_in_the_order_of_the_queue_when_the_pbx_has_told_it() -> None:
    lines = [
        line("vip", CallState.QUEUED, 2, priority=10),
        line("old", CallState.QUEUED, 90),
        line("new", CallState.QUEUED, 1),
    ]
    view = board_view(lines, [], NOW, place_of={"vip": 2, "old": 1}.get)
    assert [one.call.call_id for one in view.live] == ["old", "vip", "new"]


def test_it_knows_no_wait_when_nobody_waits() -> None:
    view = board_view([line("ringing", CallState.RINGING, 3)], [], NOW)
    assert view.longest_wait is None
    assert view.in_menu == 1


def test_it_has_a_place_for_every_state() -> None:
    view = board_view([line(state, state, 1) for state in CallState], [], NOW)
    assert len(view.live) == len(CallState)
