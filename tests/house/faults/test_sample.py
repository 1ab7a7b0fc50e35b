"""A sample of the matrix for every `make test`; `make chaos` runs all of it.

Three faults that differ in kind: the service gone, the way to the PBX gone, the engine stuck. Every moment of
a call is in one of them at least.
"""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from cti.asterisk.install import Program
from tests.house.faults.catalogue import ON_SQLITE
from tests.house.faults.house import House, open_house
from tests.house.faults.moments import MOMENTS, named
from tests.house.faults.run import run

pytestmark = [pytest.mark.house, pytest.mark.asyncio(loop_scope="session")]

FAULTS = {fault.name: fault for fault in ON_SQLITE}
SAMPLE = {
    "service killed": tuple(moment.name for moment in MOMENTS),
    "AMI cut": ("menu", "bot listening", "waiting"),
    "recogniser hung": ("bot thinking", "bot speaking"),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(asterisk: Program) -> AsyncIterator[House]:
    """A house of its own: what is broken here must not be in the way of other tests."""
    with tempfile.TemporaryDirectory(prefix="pz-", ignore_cleanup_errors=True) as folder:
        async with open_house(asterisk, Path(folder)) as opened:
            yield opened


@pytest.mark.parametrize("fault", SAMPLE)
async def test_every_caller_comes_to_people_and_every_call_is_one_ticket(house: House, fault: str) -> None:
    matrix = await run(house, FAULTS[fault], named(SAMPLE[fault]))
    assert not matrix.troubles
    assert not matrix.ghosts[fault]
    assert len(matrix.cells) == len(SAMPLE[fault])
    assert {cell.moment: cell.shortcomings() for cell in matrix.cells if not cell.holds} == {}
