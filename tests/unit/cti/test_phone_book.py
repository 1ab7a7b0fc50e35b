"""Phones of operators who are added at the desk: the PBX's files, and seats in its queues."""

import asyncio
import stat
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cti.asterisk.ami import AmiCut, AmiRefused, AmiReply
from cti.asterisk.config import BadPbxConfiguration, Phone
from cti.asterisk.events import QueueSeat
from cti.operators.phones import ExtensionInUse, PhoneBook, SignIn
from cti.waiting.queues import QueuePicture

pytestmark = [pytest.mark.unit, pytest.mark.asyncio]

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


@dataclass
class Pbx:
    """Queues with members."""

    members: set[tuple[str, str]] = field(default_factory=lambda: {("support", "PJSIP/101")})
    cut: bool = False
    reloaded: list[str] = field(default_factory=list)
    runs: bool = True

    async def action(self, name: str, /, **fields: str) -> AmiReply:
        if self.cut:
            raise AmiCut("There is no AMI link.")
        member = (fields["Queue"], fields["Interface"])
        if name == "QueueAdd":
            if member in self.members:
                raise AmiRefused("Unable to add interface: Already there")
            assert fields["StateInterface"] == f"hint:{fields['Interface'][6:]}@presszero-seats"
            self.members.add(member)
        else:
            assert name == "QueueRemove"
            self.members.remove(member)
        return AmiReply("", {})

    def reload(self, module: str) -> bool:
        self.reloaded.append(module)
        return self.runs

    @property
    def picture(self) -> QueuePicture:
        return QueuePicture(
            NOON,
            (),
            tuple(
                QueueSeat(NOON, "", queue, interface[6:].removesuffix("-web"), True, False, True, interface)
                for queue, interface in sorted(self.members)
            ),
        )

    async def next(self) -> QueuePicture | None:
        await asyncio.Event().wait()
        return None

    def wake(self) -> None:
        pass


def book_of(folder: Path, pbx: Pbx, *, ours: bool = True) -> PhoneBook:
    known = {"101": Phone("Alice Rivera", "own-101", "page-101")}
    reload = pbx.reload if ours else None
    return PhoneBook(known, ["support", "claims"], folder, pbx, pbx, reload, "pbx.example:5060")


async def test_a_new_operator_s_phones_sign_in_and_are_rung(tmp_path: Path) -> None:
    pbx = Pbx()
    book = book_of(tmp_path, pbx)
    given = await book.provide("201", "Boris", "s3cret", ["support", "gone"])
    assert (given.server, given.user, given.secret, given.to_do) == ("pbx.example:5060", "201", "s3cret", "")
    assert pbx.reloaded == ["res_pjsip.so", "pbx_config.so"]
    await book.keep(pbx.picture)
    assert pbx.members == {
        ("support", "PJSIP/101"),
        ("support", "PJSIP/201"),
        ("support", "PJSIP/201-web"),
    }
    written = (tmp_path / "pjsip_phones.conf").read_text()
    assert "[201]\ntype=auth\nauth_type=digest\nusername=201\npassword=s3cret\n" in written
    assert "[201-web]\ntype=endpoint" in written
    assert "exten => 201-web,hint," in (tmp_path / "extensions_phones.conf").read_text()
    page = book.in_page("201")
    assert page is not None
    assert (page.user, page.display_name) == ("201-web", "Boris")
    assert page.secret != "s3cret"


async def test_its_secrets_are_for_this_user_alone(tmp_path: Path) -> None:
    await book_of(tmp_path, Pbx()).provide("201", "Boris", "s3cret", [])
    for name in ("phones.json", "pjsip_phones.conf"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


async def test_after_a_restart_of_either_side_the_seats_are_there_again(tmp_path: Path) -> None:
    await book_of(tmp_path, Pbx()).provide("201", "Boris", "s3cret", ["support"])
    fresh = Pbx()
    book = book_of(tmp_path, fresh)
    assert book.own("201") == SignIn("201", "s3cret", "Boris")
    await book.keep(fresh.picture)
    assert ("support", "PJSIP/201") in fresh.members


async def test_other_queues_are_other_seats_and_the_page_s_password_stays(tmp_path: Path) -> None:
    pbx = Pbx()
    book = book_of(tmp_path, pbx)
    await book.provide("201", "Boris", "s3cret", ["support"])
    await book.keep(pbx.picture)
    before = book.in_page("201")
    await book.provide("201", "Boris", "another", ["claims"])
    await book.keep(pbx.picture)
    assert pbx.members - {("support", "PJSIP/101")} == {("claims", "PJSIP/201"), ("claims", "PJSIP/201-web")}
    assert book.in_page("201") == before


async def test_whoever_leaves_leaves_the_pbx(tmp_path: Path) -> None:
    pbx = Pbx()
    book = book_of(tmp_path, pbx)
    await book.provide("201", "Boris", "s3cret", ["support"])
    await book.keep(pbx.picture)
    assert book.names == {"101": "Alice Rivera", "201": "Boris"}
    await book.withdraw("201")
    book = book_of(tmp_path, pbx)  # restarted before the seats were taken
    await book.keep(pbx.picture)
    assert pbx.members == {("support", "PJSIP/101")}
    assert book.in_page("201") is None
    assert book.names == {"101": "Alice Rivera"}
    assert "[201]" not in (tmp_path / "pjsip_phones.conf").read_text()


async def test_the_scenario_s_operators_are_not_touched(tmp_path: Path) -> None:
    pbx = Pbx()
    book = book_of(tmp_path, pbx)
    with pytest.raises(ExtensionInUse):
        await book.provide("101", "Mallory", "s3cret", ["claims"])
    await book.withdraw("101")
    await book.keep(pbx.picture)
    assert pbx.members == {("support", "PJSIP/101")}
    assert book.in_page("101") == SignIn("101-web", "page-101", "Alice Rivera")


async def test_a_cut_link_leaves_the_seats_for_the_next_picture(tmp_path: Path) -> None:
    pbx = Pbx(cut=True)
    book = book_of(tmp_path, pbx)
    await book.provide("201", "Boris", "s3cret", ["support"])
    with pytest.raises(AmiCut):
        await book.keep(pbx.picture)
    pbx.cut = False
    await book.keep(pbx.picture)
    assert ("support", "PJSIP/201-web") in pbx.members


async def test_with_somebody_else_s_asterisk_it_says_what_to_do(tmp_path: Path) -> None:
    given = await book_of(tmp_path, Pbx(), ours=False).provide("201", "Boris", "s3cret", [])
    assert f"{tmp_path}/pjsip_phones.conf" in given.to_do


async def test_a_pbx_that_does_not_run_is_to_be_started(tmp_path: Path) -> None:
    given = await book_of(tmp_path, Pbx(runs=False)).provide("201", "Boris", "s3cret", [])
    assert "start it" in given.to_do


@pytest.mark.parametrize(
    ("extension", "secret"),
    [
        ("2 01", "good"),
        ("201\n[evil]", "good"),
        ("201-web", "good"),
        ("201", "a\nb"),
        ("201", "a;b"),
        ("", "good"),
    ],
)
async def test_what_would_be_read_as_something_else_is_refused_and_changes_nothing(
    tmp_path: Path, extension: str, secret: str
) -> None:
    book = book_of(tmp_path, Pbx())
    with pytest.raises(BadPbxConfiguration):
        await book.provide(extension, "Boris", secret, [])
    assert book.names == {"101": "Alice Rivera"}


async def test_a_name_cannot_break_out_of_its_line(tmp_path: Path) -> None:
    book = book_of(tmp_path, Pbx())
    await book.provide("201", 'Bo"ris;\n[evil]\ntype=endpoint', "s3cret", [])
    assert "\n[evil]" not in (tmp_path / "pjsip_phones.conf").read_text()
    assert book.names["201"] == "Bo ris evil type=endpoint"
