import resource

import pytest
import structlog

from cti.open_files import NEEDED, WANTED, allow_open_files

pytestmark = pytest.mark.unit


class Machine:
    """An operating system with these limits."""

    def __init__(self, soft: int, hard: int) -> None:
        self.limits = (soft, hard)

    def get(self, _which: int) -> tuple[int, int]:
        return self.limits

    def set(self, _which: int, limits: tuple[int, int]) -> None:
        if self.limits[1] not in (resource.RLIM_INFINITY,) and limits[1] > self.limits[1]:
            raise ValueError("not allowed to raise the hard limit")
        self.limits = limits


@pytest.mark.parametrize(
    ("soft", "hard", "allowed", "enough"),
    [
        (1024, 524_288, WANTED, True),
        (1024, 4096, 4096, True),
        (1024, resource.RLIM_INFINITY, WANTED, True),
        (256, 1024, 1024, False),
        (100_000, 100_000, 100_000, True),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, resource.RLIM_INFINITY, True),
    ],
)
def test_it_raises_the_limit_as_far_as_it_may(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, allowed: int, enough: bool
):
    machine = Machine(soft, hard)
    monkeypatch.setattr(resource, "getrlimit", machine.get)
    monkeypatch.setattr(resource, "setrlimit", machine.set)
    with structlog.testing.capture_logs() as logs:
        assert allow_open_files() == allowed
    assert machine.limits == (allowed, hard)
    assert (not logs) == enough
    assert NEEDED < WANTED
