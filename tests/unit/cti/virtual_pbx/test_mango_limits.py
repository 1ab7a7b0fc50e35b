"""Mango's limits and its lock-out, at a clock that the test moves."""

from typing import cast

import aiohttp
import pytest

from cti.virtual_pbx.vendors.mango import MangoSettings
from cti.virtual_pbx.vendors.mango.api import Api
from cti.virtual_pbx.vendors.mango.limits import LOCKED_S, LockOut
from tests.fakes.virtual_pbx import settings_of

pytestmark = pytest.mark.unit

DOCUMENTED = {
    "commands/callback": (4, 1.0),
    "commands/call/hangup": (4, 1.0),
    "commands/recording/start": (4, 1.0),
    "commands/route": (1, 2.0),
    "commands/transfer": (1, 2.0),
    "stats/request": (1, 2.0),
    "stats/result": (10, 1.0),  # what has no limit of its own counts among all
}
"""So many requests in so many seconds."""


@pytest.mark.parametrize("path", DOCUMENTED)
def test_each_request_keeps_the_limit_that_the_documents_name(path: str) -> None:
    settings = cast(MangoSettings, settings_of("mango"))
    pace = Api(lambda: settings, cast(aiohttp.ClientSession, None))._pace(path)
    count, per_s = DOCUMENTED[path]
    turns = [pace.book(100.0, 1000.0) for _ in range(3 * count)]
    assert turns == [100.0] * count + [100.0 + per_s] * count + [100.0 + 2 * per_s] * count


def test_routes_and_transfers_share_one_limit() -> None:
    settings = cast(MangoSettings, settings_of("mango"))
    api = Api(lambda: settings, cast(aiohttp.ClientSession, None))
    assert api._pace("commands/route") is api._pace("commands/transfer")


def test_one_wrong_request_is_forgiven() -> None:
    lock_out = LockOut()
    lock_out.wrong(100.0)
    assert lock_out.seconds(101.0) == 0.0


def test_the_two_minutes_count_from_the_first_wrong_request() -> None:
    lock_out = LockOut()
    lock_out.wrong(100.0)
    lock_out.wrong(150.0)
    lock_out.shut(151.0)
    assert lock_out.seconds(151.0) == LOCKED_S - 51.0
    assert lock_out.seconds(220.0) == 0.0


def test_who_is_shut_out_for_no_reason_of_ours_waits_the_whole_time() -> None:
    lock_out = LockOut()
    lock_out.wrong(100.0)
    lock_out.shut(1000.0)  # another node's requests were wrong
    assert lock_out.seconds(1000.0) == LOCKED_S


def test_a_wrong_number_is_refused_until_its_time_is_over() -> None:
    lock_out = LockOut()
    lock_out.wrong(100.0, "99")
    assert lock_out.refuses("99", 219.0)
    assert not lock_out.refuses("101", 110.0)
    assert not lock_out.refuses("99", 220.0)
