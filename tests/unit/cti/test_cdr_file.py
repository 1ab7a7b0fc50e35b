"""The CDR file as it may lie on the disk: odd line ends within a line, and a line without an end."""

from pathlib import Path

import pytest

from cti.asterisk import reconciler
from cti.asterisk.reconciler import CdrFile

pytestmark = pytest.mark.unit

LINE = (Path(__file__).parents[2] / "fakes" / "asterisk22_cdr.csv").read_bytes().splitlines(keepends=True)[1]


def all_rows(file: CdrFile) -> list[str]:
    found: list[str] = []
    while rows := file.more():
        found += [row.number for row in rows]
    return found


@pytest.mark.parametrize("sign", ["\u2028", "\u0085", "\x0b", "\x1c"])
def test_a_number_that_holds_another_line_end_spoils_no_row(tmp_path: Path, sign: str):
    path = tmp_path / "cdr.csv"
    path.write_bytes(LINE.replace(b"+18005551111", f"+1800{sign}5551111".encode()) + LINE)
    assert all_rows(CdrFile(path)) == [f"+1800{sign}5551111", "+18005551111"]


def test_a_line_without_an_end_does_not_hold_up_those_behind_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(reconciler, "_READ_AT_ONCE", 1000)
    path = tmp_path / "cdr.csv"
    path.write_bytes(b"x" * 5_000 + b"\n" + LINE)
    file = CdrFile(path)
    found = [row.number for _ in range(8) for row in file.more()]
    assert found == ["+18005551111"]
