"""The spool on a real disk: files that grow, that were left behind, that are no sound."""

import asyncio
import os
import time
from pathlib import Path

import pytest

from recordings.naming import caller_name, heard_name
from recordings.spool import Spool, SpoolTrouble, StillRecording
from tests.fakes.wav_files import tone, wav_bytes, write_wav

pytestmark = pytest.mark.unit

CALL = "pz-1763750000.1"
SOUND = tone(0.1)


def backdate(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def spool(folder: Path, quiet_s: float = 60.0, deadline_s: float = 0.0, appear_s: float = 0.0) -> Spool:
    return Spool(folder, quiet_s=quiet_s, deadline_s=deadline_s, appear_s=appear_s)


async def test_finished_files_are_settled_at_once(tmp_path: Path) -> None:
    write_wav(tmp_path / caller_name(CALL), SOUND)
    write_wav(tmp_path / heard_name(CALL), SOUND)
    await spool(tmp_path).settle(CALL)


async def test_a_file_that_is_still_written_is_not_taken(tmp_path: Path) -> None:
    write_wav(tmp_path / caller_name(CALL), SOUND)
    write_wav(tmp_path / heard_name(CALL), SOUND, claimed=0)
    with pytest.raises(StillRecording, match="after the call has ended"):
        await spool(tmp_path).settle(CALL)


@pytest.mark.parametrize("content", [b"", wav_bytes(SOUND[:0]), wav_bytes(SOUND, claimed=0), b"garbage"])
async def test_what_a_killed_pbx_left_long_ago_is_settled_at_once(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / caller_name(CALL)
    path.write_bytes(content)
    backdate(path, 61)
    await spool(tmp_path).settle(CALL)


async def test_an_unfinished_file_is_settled_once_it_was_watched_and_did_not_grow(tmp_path: Path) -> None:
    path = write_wav(tmp_path / caller_name(CALL), SOUND, claimed=0)
    backdate(path, -3600)  # a clock that goes before ours: only watching helps
    await spool(tmp_path, quiet_s=0.05, deadline_s=30).settle(CALL)


async def test_it_waits_for_the_pbx_to_finish(tmp_path: Path) -> None:
    path = write_wav(tmp_path / caller_name(CALL), SOUND, claimed=0)
    waiting = asyncio.create_task(spool(tmp_path, deadline_s=30).settle(CALL))
    await asyncio.sleep(0)
    assert not waiting.done()
    write_wav(path, SOUND)
    await waiting


async def test_no_files_at_all_are_settled_too(tmp_path: Path) -> None:
    await spool(tmp_path / "missing").settle(CALL)


async def test_held_files_outlive_the_spool_being_cleared(tmp_path: Path) -> None:
    write_wav(tmp_path / caller_name(CALL), SOUND)
    shelf = spool(tmp_path)
    async with shelf.hold(CALL) as held:
        shelf.clear(CALL)
        assert held.caller is not None
        assert held.caller.read_bytes() == wav_bytes(SOUND)
        assert held.heard is None
    assert os.listdir(tmp_path) == []


async def test_it_copies_where_files_cannot_be_linked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", refuse)
    write_wav(tmp_path / heard_name(CALL), SOUND)
    async with spool(tmp_path).hold(CALL) as held:
        assert held.caller is None
        assert held.heard is not None
        assert held.heard.read_bytes() == wav_bytes(SOUND)


def test_it_sets_aside_what_is_no_sound(tmp_path: Path) -> None:
    name = caller_name(CALL)
    (tmp_path / name).write_bytes(b"garbage")
    write_wav(tmp_path / heard_name(CALL), SOUND)
    spool(tmp_path).clear(CALL, frozenset([name]))
    assert [str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*.wav")] == [f"unusable/{name}"]


def test_it_lists_calls_by_the_side_touched_last_and_leaves_other_files_alone(tmp_path: Path) -> None:
    backdate(write_wav(tmp_path / caller_name(CALL), SOUND), 100)
    backdate(write_wav(tmp_path / heard_name(CALL), SOUND), 50)
    (tmp_path / "readme.txt").write_text("")
    (tmp_path / caller_name("pz-folder.1")).mkdir()
    ages = spool(tmp_path).left_overs()
    assert list(ages) == [CALL]
    assert 50 <= ages[CALL] < 100


def test_it_clears_the_work_of_killed_processes_but_not_of_living_ones(tmp_path: Path) -> None:
    for name, age in ((".taking-dead", 7 * 3600), (".taking-alive", 60)):
        (tmp_path / name).mkdir()
        write_wav(tmp_path / name / caller_name(CALL), SOUND)
        backdate(tmp_path / name, age)
    assert spool(tmp_path).left_overs() == {}
    assert [path.name for path in tmp_path.iterdir()] == [".taking-alive"]


def test_a_spool_that_is_not_there_yet_has_no_left_overs(tmp_path: Path) -> None:
    assert spool(tmp_path / "none").left_overs() == {}


async def test_a_spool_that_cannot_be_worked_in_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    broken = spool(tmp_path / "file" / "spool")
    with pytest.raises(SpoolTrouble, match="let the user who runs the service write"):
        broken.check()
    with pytest.raises(SpoolTrouble):
        async with broken.hold(CALL):
            pass
