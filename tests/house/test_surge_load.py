"""A short surge over a real PBX: nobody is rejected or overtaken, every call has ticket and recording."""

import pytest

from cti.asterisk.install import Program
from tests.house.surge.callers import MISSING, sipp
from tests.house.surge.plan import surge_plan
from tests.house.surge.report import missing
from tests.house.surge.run import run

pytestmark = pytest.mark.house


async def test_in_a_surge_nobody_is_rejected_lost_or_overtaken(asterisk: Program) -> None:
    if sipp() is None:
        pytest.skip(MISSING)  # not loud: nobody but this test needs it, and no package of ours can bring it
    plan = surge_plan(steady_per_minute=6, steady_s=10, times=20, surge_s=24, operators=16, talk_s=3)
    result = await run(asterisk, plan)
    assert missing(result) == []
    assert result.peak.calls > 10
    assert any(moment.surge for moment in result.moments)
    assert not result.moments[0].surge
