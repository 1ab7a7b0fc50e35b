"""The console command as a person uses it: every mistake ends in one sentence that says what to do."""

import asyncio
import os
import re
import socket
import sqlite3
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from cti.asterisk.install import cache_folder
from tests.fakes.ami_server import fake_ami
from tickets.database import migrate

pytestmark = pytest.mark.integration

COMMAND = str(Path(sys.executable).parent / "presszero")
PORTS = ("HTTP_PORT", "AGI_PORT", "AUDIOSOCKET_PORT")


async def presszero(
    data: Path, *arguments: str, settings: Mapping[str, object] | None = None, typed: str = ""
) -> tuple[int, str, str]:
    """Run the command with its own data folder and free ports; (exit code, stdout, stderr)."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PRESSZERO_")}
    own = {
        "DATA": data, "PROMPTS": cache_folder() / "test-prompts", "AMI_PORT": 1, **dict.fromkeys(PORTS, 0),
        **(settings or {}),
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        COMMAND,
        *arguments,
        env={**clean, **{f"PRESSZERO_{name}": str(value) for name, value in own.items()}},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(120):
            out, err = await process.communicate(typed.encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def refusal(data: Path, **settings: object) -> str:
    """What `serve` says when it cannot start."""
    code, _, err = await presszero(data, "serve", settings=settings)
    assert code == 1
    assert "Traceback" not in err
    return " ".join(err.split())


@pytest.fixture
async def data(tmp_path: Path) -> Path:
    """A data folder with its database made."""
    folder = tmp_path / "data"
    folder.mkdir()
    await asyncio.to_thread(migrate, f"sqlite:///{folder / 'presszero.sqlite3'}")
    return folder


async def test_it_names_the_line_of_a_mistake_in_the_scenario(tmp_path: Path) -> None:
    scenario = tmp_path / "mine.yaml"
    scenario.write_text("name: Mine\nlines: [12]\nqueus: {}\n")
    code, _, err = await presszero(tmp_path, "check", str(scenario))
    assert code == 1
    assert re.search(r"mine\.yaml, line 3.*queus", err)
    assert "Traceback" not in err


async def test_it_praises_a_good_scenario(tmp_path: Path) -> None:
    code, out, _ = await presszero(tmp_path, "check")
    assert code == 0
    assert "is good" in out
    assert "overtaken by at most 10 VIPs" in out


async def test_it_makes_the_database_and_says_so(tmp_path: Path) -> None:
    code, out, _ = await presszero(tmp_path / "new", "migrate")
    assert code == 0
    assert "up to date" in out


async def test_it_says_to_migrate_when_there_is_no_database(tmp_path: Path) -> None:
    assert "presszero migrate" in await refusal(tmp_path)


async def test_it_names_the_release_when_the_schema_is_not_its_own(data: Path) -> None:
    with sqlite3.connect(data / "presszero.sqlite3") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    assert "newer release" in await refusal(data)


async def test_it_says_to_migrate_when_the_schema_is_old(data: Path) -> None:
    with sqlite3.connect(data / "presszero.sqlite3") as database:
        database.execute("DELETE FROM alembic_version")
    assert "presszero migrate" in await refusal(data)


@pytest.mark.parametrize("door", PORTS)
async def test_it_names_the_port_that_is_in_use_and_the_setting(data: Path, door: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        said = await refusal(data, **{door: other.getsockname()[1]})
    assert f"PRESSZERO_{door}" in said


async def test_it_says_what_to_compare_when_the_pbx_refuses_the_password(data: Path) -> None:
    async with fake_ami() as ami:
        said = await refusal(data, AMI_PORT=ami.port, AMI_SECRET="wrong")
    assert "PRESSZERO_AMI_SECRET" in said
    assert "wrong" not in said


async def test_it_says_so_when_recordings_cannot_be_kept(data: Path) -> None:
    (data / "recordings").write_text("in the way")
    assert str(data / "recordings") in await refusal(data)


async def test_it_names_a_setting_that_makes_no_sense(data: Path) -> None:
    assert "PRESSZERO_HTTP_PORT" in await refusal(data, HTTP_PORT="eighty")


async def test_it_says_which_secret_file_cannot_be_read(data: Path) -> None:
    assert "PRESSZERO_AMI_SECRET_FILE" in await refusal(data, AMI_SECRET_FILE="/nowhere/secret")


async def test_it_says_what_to_do_when_a_model_is_missing(data: Path, tmp_path: Path) -> None:
    assert "PRESSZERO_WHISPER_MODEL" in await refusal(data, WHISPER_MODEL=tmp_path / "no-model")


async def test_it_makes_an_account_once(data: Path) -> None:
    assert (await presszero(data, "user", "add", "anna", typed="correct horse battery\n"))[0] == 0
    code, _, err = await presszero(data, "user", "add", "anna", typed="correct horse battery\n")
    assert code == 1
    assert "anna" in err


async def test_it_lets_nobody_take_the_last_administrator_away(data: Path) -> None:
    await presszero(data, "user", "add", "anna", "--role", "administrator", typed="correct horse battery\n")
    for words in (("off", "anna"), ("role", "anna", "operator")):
        code, _, err = await presszero(data, "user", *words)
        assert code == 1
        assert "only administrator" in err
    code, out, _ = await presszero(data, "user", "list")
    assert code == 0
    assert "administrator" in out


async def test_it_makes_a_new_start_password_for_who_is_locked_out(data: Path) -> None:
    await presszero(data, "user", "add", "anna", typed="correct horse battery\n")
    code, out, _ = await presszero(data, "user", "password", "anna")
    assert code == 0
    assert re.search(r"[a-z0-9]{4}(-[a-z0-9]{4}){3}$", out.strip())
    code, _, err = await presszero(data, "user", "password", "nobody")
    assert code == 1
    assert "no account nobody" in err


async def test_it_adds_nobody_to_a_database_that_is_not_there(tmp_path: Path) -> None:
    code, _, err = await presszero(tmp_path, "user", "add", "anna", typed="correct horse battery\n")
    assert code == 1
    assert "presszero migrate" in err
    assert not (tmp_path / "presszero.sqlite3").exists()


@pytest.mark.parametrize("url", ["nonsense", "mysql://somebody:verysecret@host/name"])
async def test_it_names_the_databases_that_it_can_use(tmp_path: Path, url: str) -> None:
    code, _, err = await presszero(tmp_path, "migrate", settings={"DATABASE": url})
    assert code == 1
    assert "PRESSZERO_DATABASE" in err
    assert "PostgreSQL" in err
    assert "Traceback" not in err
    assert "verysecret" not in err


async def test_it_refuses_a_weak_password(data: Path) -> None:
    code, _, err = await presszero(data, "user", "add", "anna", typed="1\n")
    assert code == 1
    assert "password" in err.lower()


async def test_it_writes_include_files_and_touches_nothing_else(data: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "etc" / "extensions.conf"
    theirs.parent.mkdir()
    theirs.write_text("[general]\n")
    code, _, err = await presszero(data, "pbx", "config", "--out", str(theirs.parent))
    assert code == 0, err
    assert theirs.read_text() == "[general]\n"
    written = {path.name for path in theirs.parent.glob("*_presszero.conf")}
    assert written == {
        f"{name}_presszero.conf" for name in ("extensions", "pjsip", "queues", "manager", "cdr_custom")
    }
    assert (theirs.parent / "manager_presszero.conf").stat().st_mode & 0o077 == 0
