"""The tape shelf on a real disk."""

import errno
import os
import stat
from pathlib import Path

import pytest

from recordings.store import BadKey, DiskStore, NotOnShelf, ShelfLate, ShelfUnwritable

pytestmark = pytest.mark.unit

KEY = "2026/11/21/pz-1.2.mp3"


@pytest.fixture
def store(tmp_path: Path) -> DiskStore:
    return DiskStore(tmp_path / "shelf")


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    path = tmp_path / "tape.mp3"
    path.write_bytes(b"sound" * 1000)
    return path


def rewrite(tape: Path) -> None:
    tape.write_bytes(b"other")


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


async def test_it_gives_back_what_was_put(store: DiskStore, tape: Path) -> None:
    await store.put(KEY, tape)
    assert (await store.path(KEY)).read_bytes() == b"sound" * 1000
    assert await store.size(KEY) == 5000


async def test_it_replaces_what_lay_there(store: DiskStore, tape: Path) -> None:
    await store.put(KEY, tape)
    rewrite(tape)
    await store.put(KEY, tape)
    assert (await store.path(KEY)).read_bytes() == b"other"


async def test_a_reader_keeps_the_old_bytes_while_they_are_replaced(store: DiskStore, tape: Path) -> None:
    await store.put(KEY, tape)
    with (await store.path(KEY)).open("rb") as reader:
        reader.read(5)
        rewrite(tape)
        await store.put(KEY, tape)
        assert reader.read() == b"sound" * 999


async def test_only_our_user_can_read_recordings(store: DiskStore, tape: Path, tmp_path: Path) -> None:
    await store.put(KEY, tape)
    shelf = tmp_path / "shelf"
    modes = {stat.S_IMODE(path.stat().st_mode) for path in [shelf, *shelf.rglob("*")]}
    assert modes == {0o700, 0o600}


async def test_it_forgets_what_is_deleted_and_deletes_twice(store: DiskStore, tape: Path) -> None:
    await store.put(KEY, tape)
    await store.delete(KEY)
    await store.delete(KEY)
    with pytest.raises(NotOnShelf):
        await store.path(KEY)
    with pytest.raises(NotOnShelf):
        await store.size(KEY)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/etc/passwd",
        "../x",
        "a/../b",
        "a/./b",
        "a//b",
        "a/",
        ".a",
        "a/.b",
        "-a",
        "a\0b",
        "a\nb",
        "a\\b",
        "a" * 256,
    ],
)
async def test_it_refuses_keys_with_tricks(store: DiskStore, tape: Path, tmp_path: Path, key: str) -> None:
    for use in (store.put(key, tape), store.path(key), store.size(key), store.delete(key)):
        with pytest.raises(BadKey):
            await use
    assert files(tmp_path) == ["tape.mp3"]


async def test_a_full_disk_leaves_nothing_half_there_and_says_what_to_do(
    store: DiskStore, tape: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    (tmp_path / "shelf/2026/11/21").mkdir(parents=True)
    with pytest.raises(ShelfUnwritable, match=r"No space left.*free some space"):
        await store.put(KEY, tape)
    with pytest.raises(ShelfUnwritable, match="free some space"):
        await store.check()
    monkeypatch.undo()
    assert files(tmp_path) == ["tape.mp3"]
    await store.put(KEY, tape)
    assert files(tmp_path) == [f"shelf/{KEY}", "tape.mp3"]


async def test_a_file_in_the_place_of_the_shelf_is_told_in_one_sentence(tmp_path: Path, tape: Path) -> None:
    (tmp_path / "file").write_text("")
    for root in (tmp_path / "file", tmp_path / "file" / "shelf"):
        store = DiskStore(root)
        for use in (store.check(), store.put(KEY, tape)):
            with pytest.raises(ShelfUnwritable, match="choose another folder") as told:
                await use
            assert "\n" not in str(told.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_shelf_of_somebody_else_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir(mode=0o500)
    with pytest.raises(ShelfUnwritable, match="Permission denied"):
        await DiskStore(tmp_path / "theirs").check()


async def test_a_read_only_disk_is_told_in_one_sentence() -> None:
    with pytest.raises(ShelfUnwritable, match="choose another folder"):
        await DiskStore(Path("/proc/presszero")).check()


async def test_it_makes_the_shelf_and_leaves_no_trace_of_the_check(store: DiskStore, tmp_path: Path) -> None:
    await store.check()
    assert (tmp_path / "shelf").is_dir()
    assert files(tmp_path) == []


async def test_a_disk_that_does_not_answer_is_given_up(tmp_path: Path, tape: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with pytest.raises(ShelfLate, match="did not answer"):
        await DiskStore(tmp_path / "shelf", deadline_s=0.05).put(KEY, fifo)
    # A writer lets the waiting thread go, or the process would not end.
    fifo.open("wb").close()
