"""Debian packages without root: apt downloads them, checking the signatures, and dpkg-deb unpacks them.

Knows apt, with a state of its own, so that what the machine has installed is neither read nor changed; knows
nothing of what is in the packages.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from cti.progress import Report

KEYRINGS = (
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
    Path("/usr/share/keyrings/debian-archive-keyring.pgp"),
)
UPDATE_DEADLINE_S = 300.0
DOWNLOAD_DEADLINE_S = 1200.0
UNPACK_DEADLINE_S = 60.0


class PackagesMissing(Exception):
    """Packages cannot be had here; the message says why, in a sentence."""


def keep_packages(
    packages: Iterable[str],
    home: Path,
    progress: Report,
    *,
    what: str,
    suite: str | None = None,
    leave_out: Callable[[str], bool] = lambda name: False,
    finish: Callable[[Path], None] = lambda tree: None,
) -> None:
    """Download packages and all they need, and unpack them into the folder `home`: whole, or not at all.

    `suite`: of Debian, from this machine's mirror; None: what this machine's own apt sources have.
    `leave_out`: says which packages are not wanted, whoever needs them. `what`: named in the progress.
    `finish`: does to the unpacked files what is left to do, before they lie at `home`.

    Raises:
        PackagesMissing: why not.
    """
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent, prefix="unpacking-") as work_name:
        work, tree = Path(work_name), Path(work_name) / "tree"
        _unpack(_fetch(packages, work, progress, what, suite, leave_out), tree, progress)
        finish(tree)
        shutil.rmtree(home, ignore_errors=True)
        tree.rename(home)


def _fetch(
    packages: Iterable[str],
    work: Path,
    progress: Report,
    what: str,
    suite: str | None,
    leave_out: Callable[[str], bool],
) -> list[Path]:
    """Download into the empty folder `work`; the files."""
    missing = [tool for tool in ("apt-get", "dpkg-deb", "dpkg") if shutil.which(tool) is None]
    if missing:
        raise PackagesMissing(f"Without {', '.join(missing)} it cannot be unpacked.")
    environment = {**os.environ, "APT_CONFIG": str(_configure(work, suite)), "LC_ALL": "C.UTF-8"}
    progress("Reading Debian's package index", 0, 1)
    _run(["apt-get", "update", "-qq"], deadline_s=UPDATE_DEADLINE_S, environment=environment)
    progress("Reading Debian's package index", 1, 1)
    plan = _run(
        ["apt-get", "install", "-y", "--print-uris", "-qq", *packages],
        deadline_s=60,
        environment=environment,
    )
    names = [match.group(1) for match in re.finditer(r"^'\S+' ([^_\s]+)_\S+ \d+", plan, re.MULTILINE)]
    wanted = [name for name in names if not leave_out(name)]
    _download(wanted, work / "packages", environment, f"Downloading {what}", progress)
    return sorted((work / "packages").glob("*.deb"))


def _unpack(files: list[Path], tree: Path, progress: Report) -> None:
    tree.mkdir()
    for done, file in enumerate(files):
        progress("Unpacking", done, len(files))
        _run(["dpkg-deb", "-x", str(file), str(tree)], deadline_s=UNPACK_DEADLINE_S)
    progress("Unpacking", len(files), len(files))


def _configure(work: Path, suite: str | None) -> Path:
    """Give apt a state of its own in `work`, in which nothing is installed."""
    for folder in ("state/lists/partial", "cache/archives/partial", "etc/preferences.d", "packages"):
        (work / folder).mkdir(parents=True)
    (work / "state/status").touch()
    lines = [
        f'Dir::State "{work}/state";',
        f'Dir::State::status "{work}/state/status";',
        f'Dir::Cache "{work}/cache";',
        'Acquire::Check-Valid-Until "false";',  # a mirror's index may be old; its signature is still checked
        'Acquire::Languages "none";',
        'APT::Install-Recommends "false";',
        'APT::Sandbox::User "";',
        'Debug::NoLocking "true";',
    ]
    if suite is not None:
        source = f"deb [signed-by={_keyring()}] {_mirror()} {suite} main\n"
        (work / "etc/sources.list").write_text(source)
        lines += [f'Dir::Etc "{work}/etc";', 'Dir::Etc::sourceparts "-";']
    configuration = work / "apt.conf"
    configuration.write_text("\n".join(lines) + "\n")
    return configuration


def _keyring() -> Path:
    keyring = next((path for path in KEYRINGS if path.exists()), None)
    if keyring is None:
        raise PackagesMissing(
            "Debian's signatures cannot be checked: the package debian-archive-keyring is missing."
        )
    return keyring


def _mirror() -> str:
    """The Debian mirror that this machine's own apt sources name; works before any `apt-get update`."""
    listed = _run(["apt-get", "--print-uris", "update"], deadline_s=30)
    named = re.search(r"'(\S+/debian)/+dists/", listed)
    if named is None:
        raise PackagesMissing("This machine's apt sources name no Debian mirror.")
    return named.group(1)


def _download(
    names: list[str], folder: Path, environment: dict[str, str], step: str, progress: Report
) -> None:
    fetch = subprocess.Popen(
        ["timeout", str(int(DOWNLOAD_DEADLINE_S)), "apt-get", "download", *names],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert fetch.stdout is not None  # noqa: S101 -- PIPE was asked for
    last: list[str] = []
    done = 0
    for line in fetch.stdout:
        last = [*last[-4:], line.strip()]
        if line.startswith("Get:"):
            done += 1
            progress(step, min(done, len(names)), len(names))
    if fetch.wait() != 0:
        raise PackagesMissing(f"It could not be downloaded ({' / '.join(last)}).")


def _run(command: list[str], *, deadline_s: float, environment: dict[str, str] | None = None) -> str:
    try:
        done = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            timeout=deadline_s,
            check=True,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.CalledProcessError as error:
        reason = (error.stderr or error.stdout or "no output").strip().splitlines()[-1]
        raise PackagesMissing(f"`{' '.join(command[:2])}` failed: {reason}") from error
    except subprocess.TimeoutExpired as error:
        raise PackagesMissing(f"`{' '.join(command[:2])}` took over {deadline_s:.0f} s.") from error
    return done.stdout
