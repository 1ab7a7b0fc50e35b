import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from cti.waiting.rates import Allowance
from cti.web import limits
from cti.web.limits import BURST, LOGIN_COST, PER_S, asker, is_here, neighbourhood, rate_middleware
from cti.web.problems import Problem

pytestmark = pytest.mark.unit


def test_it_lets_a_burst_through_and_then_as_much_as_comes_back():
    allowance = Allowance(per_s=2.0, burst=3.0, keys=10)
    assert [allowance.take("a", 1.0, 0.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert allowance.take("a", 1.0, 0.4) == pytest.approx(0.1)
    assert allowance.take("a", 1.0, 0.5) == 0.0
    assert allowance.take("b", 1.0, 0.5) == 0.0


def test_it_takes_nothing_from_whom_it_refuses():
    allowance = Allowance(per_s=1.0, burst=5.0, keys=10)
    assert allowance.take("a", 4.0, 0.0) == 0.0
    assert [allowance.take("a", 3.0, 0.0) for _ in range(5)] == [2.0] * 5
    assert allowance.take("a", 3.0, 2.0) == 0.0


def test_it_remembers_so_many_and_no_more():
    allowance = Allowance(per_s=1.0, burst=1.0, keys=3)
    for key in range(100):
        allowance.take(key, 1.0, 0.0)
    assert len(allowance._left) == 3


@given(st.lists(st.tuples(st.floats(0, 5), st.sampled_from([1.0, 2.0, 20.0])), max_size=60))
def test_nobody_ever_gets_more_than_the_burst_and_what_came_back(asks: list[tuple[float, float]]):
    allowance = Allowance(per_s=3.0, burst=20.0, keys=10)
    now = taken = 0.0
    for pause, cost in asks:
        now += pause
        wait = allowance.take("a", cost, now)
        assert wait >= 0.0
        taken += cost if wait == 0.0 else 0.0
    assert taken <= 20.0 + 3.0 * now + 1e-6


@pytest.mark.parametrize(
    ("address", "whose"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::"),
        ("nonsense" * 20, ("nonsense" * 20)[:64]),
    ],
)
def test_it_knows_whom_an_address_counts_for(address: str, whose: str):
    assert neighbourhood(address) == whose


@pytest.mark.parametrize(
    ("address", "here"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("192.0.2.7", False),
        ("", False),
        (None, False),
    ],
)
def test_it_knows_this_machine(address: str | None, here: bool):
    assert is_here(address) is here


def request_from(peer: str, *forwarded: str, method: str = "GET", path: str = "/") -> web.Request:
    headers = [("X-Forwarded-For", value) for value in forwarded]
    request = make_mocked_request(method, path, headers=headers)
    return request.clone(remote=peer)


@pytest.mark.parametrize(
    ("peer", "forwarded", "who"),
    [
        ("127.0.0.1", (), None),
        ("192.0.2.7", (), "192.0.2.7"),
        ("192.0.2.7", ("198.51.100.1",), "192.0.2.7"),  # anybody can write that
        ("127.0.0.1", ("198.51.100.1",), "198.51.100.1"),
        ("127.0.0.1", ("203.0.113.5, 198.51.100.1",), "198.51.100.1"),
        ("127.0.0.1", ("203.0.113.5", "198.51.100.1"), "198.51.100.1"),
        ("127.0.0.1", ("203.0.113.5, 127.0.0.1",), None),
    ],
)
def test_it_knows_who_asks(peer: str, forwarded: tuple[str, ...], who: str | None):
    assert asker(request_from(peer, *forwarded)) == who


async def answers(number: int, *, method: str = "GET", path: str = "/", peer: str = "192.0.2.7") -> list[int]:
    limit = rate_middleware(clock=lambda: 0.0)

    async def page(request: web.Request) -> web.Response:
        return web.Response()

    statuses, waits = [], []
    for _ in range(number):
        try:
            answer = await limit(request_from(peer, method=method, path=path), page)
            statuses.append(answer.status)
        except Problem as problem:
            statuses.append(problem.status)
            waits.append(int(problem.headers["Retry-After"]))
    assert min(waits, default=1) >= 1
    return statuses


async def test_it_refuses_who_asks_too_often_and_says_when_to_come_back():
    assert await answers(int(BURST) + 2) == [200] * int(BURST) + [429] * 2
    assert PER_S >= 1


async def test_a_login_costs_more_than_a_page():
    logins = int(BURST / LOGIN_COST)
    for path in limits.LOGINS:
        assert (await answers(logins + 1, method="POST", path=path))[-2:] == [200, 429]
    assert await answers(logins + 1, path="/login") == [200] * (logins + 1)


async def test_it_never_refuses_this_machine():
    assert set(await answers(int(BURST) + 50, peer="127.0.0.1")) == {200}
