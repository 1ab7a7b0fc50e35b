"""Freed memory goes back to the system."""

import os

import numpy as np
import pytest

from cti.process.memory import give_back
from tests.house.faults.supervisor import own_memory_mib

pytestmark = pytest.mark.unit


def test_what_was_freed_is_given_back() -> None:
    small = [np.ones(8_000) for _ in range(2_000)]  # below the size that is mapped for each apart
    kept = small[::200]
    full = own_memory_mib(os.getpid())
    del small
    give_back()
    assert own_memory_mib(os.getpid()) < full - 60
    assert len(kept) == 10
