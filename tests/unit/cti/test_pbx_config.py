"""What the PBX's files say, by what the scenario offers."""

from dataclasses import replace
from pathlib import Path

import pytest

from cti.asterisk.config import BadPbxConfiguration, PbxPlan, Phone, QueuePlan, write_includes

pytestmark = pytest.mark.unit

PLAN = PbxPlan(
    prompts=Path("/srv/prompts"),
    spool=Path("/srv/spool"),
    ami_secret="secret",
    queues={"support": QueuePlan(("101",), 15)},
    operators={"101": Phone("Alice Rivera", "secret")},
    trunk="my.trunk-1",
    call_back=True,
)


def written(plan: PbxPlan, folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in write_includes(plan, folder)}


def test_a_house_that_calls_back_may_originate_and_says_over_which_trunk(tmp_path: Path) -> None:
    files = written(PLAN, tmp_path)
    assert "originate" in files["manager_presszero.conf"].partition("write=")[2].splitlines()[0]
    assert "PZ_TRUNK=my.trunk-1\n" in files["extensions_presszero.conf"]
    assert "context=presszero-waiting\n" in files["queues_presszero.conf"]


def test_a_house_that_does_not_gets_neither_the_right_nor_the_ways(tmp_path: Path) -> None:
    files = written(replace(PLAN, call_back=False), tmp_path)
    assert "originate" not in files["manager_presszero.conf"].partition("write=")[2].splitlines()[0]
    assert "context=" not in files["queues_presszero.conf"]
    for way in ("[presszero-waiting]", "[presszero-call-back]", "exten => offer", "exten => call_back"):
        assert way not in files["extensions_presszero.conf"]


@pytest.mark.parametrize("trunk", ["a b", "x;y", "x\ny", "a&b", "${X}", "x" * 65])
def test_it_refuses_what_is_no_endpoint(tmp_path: Path, trunk: str) -> None:
    with pytest.raises(BadPbxConfiguration, match="cannot be a trunk's endpoint"):
        write_includes(replace(PLAN, trunk=trunk), tmp_path)
