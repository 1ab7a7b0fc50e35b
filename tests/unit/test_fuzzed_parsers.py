"""A sample of `make fuzz` for every run of the tests: a moment of spoilt inputs for each parser."""

from contextlib import nullcontext, suppress

import pytest
import structlog

from tests.fuzz import runner
from tests.fuzz.mutate import LONGEST, Mutator
from tests.fuzz.parsers import TARGETS
from tests.fuzz.runner import Found, Target

pytestmark = pytest.mark.unit

SAMPLE = 20_000  # inputs, all parsers together
WHOLE = sum(target.share for target in TARGETS)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_it_stands_spoilt_inputs(target: Target):
    with structlog.testing.capture_logs():
        found = runner.run(target, max(30, SAMPLE * target.share // WHOLE), 7, weigh=False)
    assert not found.crashes, "\n\n".join(found.crashes)
    assert found.well, found


def parser(feed: runner.Feed) -> Target:
    return Target("made for this test", (b"ab\ncd",), (b"word",), 1, lambda: nullcontext(feed), (KeyError,))


def found_in(feed: runner.Feed, inputs: int = 40) -> Found:
    return runner.run(parser(feed), inputs, 1)


def test_it_finds_a_crash_and_passes_over_what_is_documented():
    def breaks(data: bytes, _mutator: Mutator) -> None:
        if len(data) % 2:
            raise KeyError
        raise ZeroDivisionError

    found = found_in(breaks)
    assert found.inputs == 40
    assert 0 < len(found.crashes) < 40
    assert "ZeroDivisionError" in found.crashes[0]
    assert not found.well


def test_it_finds_a_hang(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(runner, "HANG_S", 0.02)

    def hangs(_data: bytes, _mutator: Mutator) -> None:
        while True:
            with suppress(Exception):
                sum(range(1000))

    found = found_in(hangs, 4)
    assert found.hangs == 4
    assert not found.well


def test_it_finds_a_leak():
    kept: list[list[bytes]] = []
    found = found_in(lambda data, _mutator: kept.append([data + b"%d" % n for n in range(2000)]))
    assert found.leaks
    assert not found.crashes


def test_it_makes_the_same_inputs_of_the_same_number():
    one, same, other = (Mutator((b"ab\ncd", b"12: 34"), (b"word",), number) for number in (1, 1, 2))
    inputs = [one.next() for _ in range(300)]
    assert inputs == [same.next() for _ in range(300)]
    assert inputs != [other.next() for _ in range(300)]
    assert len(set(inputs)) > 200
    assert max(map(len, inputs)) <= LONGEST


def test_it_gives_an_input_piece_by_piece_unchanged():
    mutator = Mutator((b"a long enough seed",), (), 3)
    for _ in range(100):
        data = mutator.next()
        assert b"".join(mutator.pieces(data)) == data
