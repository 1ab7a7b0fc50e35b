"""Connected PBXs follow the folder of their settings while the service runs."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from cti.virtual_pbx.connections import Connections
from cti.virtual_pbx.contract import VirtualPbx
from cti.virtual_pbx.door_plate import read_plate, take_door
from cti.virtual_pbx.settings import BadConnection, write_connection
from tests.fakes.until import until
from tests.fakes.virtual_pbx import START, house, settings_of

pytestmark = pytest.mark.unit


class Place:
    def __init__(self, folder: Path) -> None:
        self.file = folder / "generic.json"
        self.new: list[str] = []
        self.gone: list[str] = []
        self.trouble: Exception | None = None
        self.connections = Connections(folder, house, self._new, self.gone.append, look_s=0.005)

    async def _new(self, vendor: VirtualPbx[Any]) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.new.append(vendor.vendor)

    @asynccontextmanager
    async def followed(self) -> AsyncIterator[asyncio.Task[None]]:
        await self.connections.begin()
        task = asyncio.create_task(self.connections.follow())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_a_connection_is_taken_up_changed_and_dropped_while_the_service_runs(tmp_path: Path) -> None:
    place, vendors = Place(tmp_path / "later"), {}
    async with place.followed():
        vendors = place.connections.vendors
        assert vendors == {}
        write_connection(place.file, settings_of("generic"))
        await until(lambda: "generic" in vendors and place.new == ["generic"])
        write_connection(place.file, settings_of("generic").with_new_secret("another", START))
        await until(lambda: len(vendors["generic"].settings.secrets) == 2)
        assert place.new == ["generic"]  # the same connection
        place.file.unlink()
        await until(lambda: place.gone == ["generic"])
        assert vendors == {}


def of_long_ago(file: Path) -> None:
    """What is written next is newer, however coarse the clock of the files is."""
    os.utime(file, (0, 0))


def complained(capsys: pytest.CaptureFixture[str]) -> bool:
    """Whether it was said, since this was last asked, that a file was looked at and found bad."""
    return "connection_bad" in capsys.readouterr().out


async def test_a_bad_file_stops_no_service_and_leaves_the_settings_of_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = Place(tmp_path)
    write_connection(place.file, settings_of("generic"))
    of_long_ago(place.file)
    async with place.followed() as task:
        place.file.write_text("{")
        await until(lambda: complained(capsys))
        of_long_ago(place.file)
        await until(lambda: complained(capsys))
        assert not task.done()
        assert place.connections.vendors["generic"].settings == settings_of("generic")
        write_connection(place.file, settings_of("generic", operators={"anna": "101"}))
        await until(lambda: bool(place.connections.vendors["generic"].settings.operators))


async def test_what_cannot_come_to_life_is_not_connected_and_is_tried_again_when_it_is_written_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = Place(tmp_path)
    async with place.followed() as task:
        place.trouble = OSError("the port is taken")
        write_connection(place.file, settings_of("generic"))
        await until(lambda: complained(capsys))
        of_long_ago(place.file)
        await until(lambda: complained(capsys))
        assert place.connections.vendors == {}
        place.trouble = None
        write_connection(place.file, settings_of("generic", operators={"anna": "101"}))
        await until(lambda: place.new == ["generic"])
        assert not task.done()


async def test_what_goes_wrong_in_a_connection_leaves_no_secret_in_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = Place(tmp_path)
    place.trouble, seen = ValueError("a-long-test-secret"), list[str]()
    async with place.followed():
        write_connection(place.file, settings_of("generic"))
        await until(lambda: "connection_bad" in (seen.append(capsys.readouterr().out) or "".join(seen)))
    assert "ValueError" in "".join(seen)
    assert "a-long-test-secret" not in "".join(seen)


async def test_a_bad_file_at_the_start_is_said(tmp_path: Path) -> None:
    (tmp_path / "generic.json").write_text('{"public_url": 7}')
    with pytest.raises(BadConnection, match="presszero connect generic"):
        await Place(tmp_path).connections.begin()


def test_the_door_has_one_keeper_and_its_plate_counts_as_long_as_he_lives(tmp_path: Path) -> None:
    assert read_plate(tmp_path) is None
    keeper = take_door(tmp_path / "data")
    assert keeper is not None
    assert take_door(tmp_path / "data") is None
    assert (plate := read_plate(tmp_path / "data")) is not None
    assert plate.port is None
    keeper.open("0.0.0.0", 8090)
    assert (plate := read_plate(tmp_path / "data")) is not None
    assert plate.address == "http://127.0.0.1:8090"
    assert plate.proof("nonce") == keeper.plate.proof("nonce") != plate.proof("another")
    assert (tmp_path / "data" / "virtual-pbx.door").stat().st_mode & 0o777 == 0o600
    keeper.give_back()
    assert read_plate(tmp_path / "data") is None
    again = take_door(tmp_path / "data")
    assert again is not None
    assert again.plate.key != plate.key
    again.give_back()


def test_a_plate_whose_owner_was_killed_deceives_nobody(tmp_path: Path) -> None:
    pid = os.fork()
    if pid == 0:  # the owner, who dies without a word
        keeper = take_door(tmp_path)
        if keeper is not None:
            keeper.open("127.0.0.1", 8090)
        os._exit(0 if keeper else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert (tmp_path / "virtual-pbx.door").stat().st_size > 0
    assert read_plate(tmp_path) is None
