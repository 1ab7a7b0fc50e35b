"""Find an Asterisk, or unpack Debian's without root.

Knows apt and the file system; knows nothing of calls. An Asterisk on PATH that is new enough is used as it
is. Otherwise Debian's Asterisk 22 (suite `forky`) and all that it needs is downloaded by apt, which checks
the signatures, and unpacked into the cache; it then runs through its own loader, so nothing is installed.
"""

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cti.progress import Report

SUITE = "forky"
PACKAGES = (
    "asterisk",
    "asterisk-core-sounds-en",
    "asterisk-core-sounds-en-wav",
    "asterisk-moh-opsound-wav",
    "espeak-ng",
)
KEYRINGS = (
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
    Path("/usr/share/keyrings/debian-archive-keyring.pgp"),
)
FIT_SINCE = {20: 14, 21: 9, 22: 4}  # older ones do not tell the voicebot that its caller has pressed zero
DOWNLOAD_DEADLINE_S = 1200.0
UNPACK_DEADLINE_S = 60.0

ALTERNATIVES = (
    "Install Asterisk yourself so that `asterisk` is on PATH (20.14, 21.9, 22.4, or newer of each), or use "
    "the compose file in docker/."
)


class NoAsterisk(Exception):
    """There is no Asterisk here and none could be had; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Program:
    """An Asterisk that can be started."""

    command: tuple[str, ...]  # how to start it, before its own arguments
    modules: Path  # folder of its .so modules
    share: Path  # folder with sounds, music on hold, keys, documentation
    version: str
    tree: Path | None  # root of the unpacked tree; None: installed on the machine

    @property
    def sounds(self) -> Path | None:
        """Folder of the English core sounds (8 kHz WAV), if they are there."""
        found = sorted(self.share.glob("sounds/en*/beep.*"))
        return found[0].parent if found else None

    @property
    def espeak(self) -> tuple[str, ...] | None:
        """Command of espeak-ng: the machine's own, or the one in the tree."""
        own = shutil.which("espeak-ng")
        if own:
            return (own,)
        if self.tree is None:
            return None
        data = next(self.tree.glob("usr/lib/*/espeak-ng-data"), None)
        if data is None:
            return None
        return (*_through_loader(self.tree, "usr/bin/espeak-ng"), f"--path={data.parent}")


def cache_folder() -> Path:
    """Where downloads are kept between runs: PRESSZERO_CACHE, else the user's cache folder."""
    own = os.environ.get("PRESSZERO_CACHE")
    if own:
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "presszero"


def find_asterisk() -> Program | None:
    """The Asterisk on PATH if it is new enough, else the unpacked one, else None."""
    return _on_path() or _unpacked(cache_folder() / "asterisk-22")


def is_fit(version: str) -> bool:
    """Whether an Asterisk of that version, such as 22.10.1, is new enough."""
    major, _, rest = version.partition(".")
    minor = rest.partition(".")[0] or "0"
    least = FIT_SINCE.get(int(major))
    return int(major) > max(FIT_SINCE) if least is None else int(minor) >= least


def install_asterisk(progress: Report) -> Program:
    """Return an Asterisk, downloading Debian's when there is none.

    Raises:
        NoAsterisk: it cannot be had here.
    """
    found = find_asterisk()
    if found is not None:
        return found
    target = cache_folder() / "asterisk-22"
    keyring = _check_tools()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="unpacking-") as work_name:
        work = Path(work_name)
        packages = _download(work, keyring, progress)
        tree = work / "tree"
        tree.mkdir()
        for done, package in enumerate(packages):
            progress("Unpacking", done, len(packages))
            _run(["dpkg-deb", "-x", str(package), str(tree)], deadline_s=UNPACK_DEADLINE_S)
        progress("Unpacking", len(packages), len(packages))
        shutil.rmtree(target, ignore_errors=True)
        tree.rename(target)
    installed = _unpacked(target)
    if installed is None:
        raise NoAsterisk(f"Debian's Asterisk was unpacked but does not start. {ALTERNATIVES}")
    return installed


def _on_path() -> Program | None:
    command = shutil.which("asterisk")
    if command is None:
        return None
    version = _version((command,))
    if version is None or not is_fit(version):
        return None
    modules = next((p for p in Path("/usr").glob("lib*/**/asterisk/modules") if p.is_dir()), None)
    share = next((p for p in (Path("/usr/share/asterisk"), Path("/var/lib/asterisk")) if p.is_dir()), None)
    if modules is None or share is None:
        return None
    return Program((command,), modules, share, version, tree=None)


def _unpacked(tree: Path) -> Program | None:
    if not (tree / "usr/sbin/asterisk").is_file():
        return None
    command = _through_loader(tree, "usr/sbin/asterisk")
    version = _version(command)
    if version is None:
        return None
    modules = next(tree.glob("usr/lib/*/asterisk/modules"))
    return Program(command, modules, tree / "usr/share/asterisk", version, tree)


def _through_loader(tree: Path, program: str) -> tuple[str, ...]:
    """The tree's own dynamic loader starts the program, so that the machine's C library does not matter."""
    loader = next(
        path
        for pattern in ("usr/lib*/ld-linux-*.so.*", "usr/lib/*/ld-linux-*.so.*")
        for path in tree.glob(pattern)
    )
    libraries = next(tree.glob("usr/lib/*/libc.so.6")).parent
    paths = ":".join(str(path) for path in (libraries, libraries / "pulseaudio"))
    return (str(loader), "--library-path", paths, str(tree / program))


def _version(command: tuple[str, ...]) -> str | None:
    try:
        answer = subprocess.run([*command, "-V"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"Asterisk (?:certified[-/])?(\d+(?:\.\d+)*)", answer.stdout)
    return match.group(1) if match else None


def _check_tools() -> Path:
    missing = [tool for tool in ("apt-get", "dpkg-deb", "dpkg") if shutil.which(tool) is None]
    if missing:
        raise NoAsterisk(
            f"There is no Asterisk here, and without {', '.join(missing)} none can be unpacked. "
            f"{ALTERNATIVES}"
        )
    keyring = next((path for path in KEYRINGS if path.exists()), None)
    if keyring is None:
        raise NoAsterisk(
            "There is no Asterisk here, and Debian's signatures cannot be checked: "
            f"the package debian-archive-keyring is missing. {ALTERNATIVES}"
        )
    return keyring


def _mirror() -> str:
    """The Debian mirror that this machine's own apt sources name; works before any `apt-get update`."""
    listed = _run(["apt-get", "--print-uris", "update"], deadline_s=30)
    named = re.search(r"'(\S+/debian)/+dists/", listed)
    if named is None:
        raise NoAsterisk(f"This machine's apt sources name no Debian mirror. {ALTERNATIVES}")
    return named.group(1)


def _download(work: Path, keyring: Path, progress: Report) -> list[Path]:
    """Let apt fetch the packages and all they need into `work`, with a state of its own."""
    for folder in ("state/lists/partial", "cache/archives/partial", "etc/preferences.d", "etc/apt.conf.d"):
        (work / folder).mkdir(parents=True)
    (work / "state/status").touch()
    (work / "etc/sources.list").write_text(f"deb [signed-by={keyring}] {_mirror()} {SUITE} main\n")
    configuration = work / "apt.conf"
    configuration.write_text(
        f'Dir "{work}/";\nDir::State "state";\nDir::State::status "{work}/state/status";\n'
        f'Dir::Cache "cache";\nDir::Etc "etc";\nDir::Etc::sourceparts "-";\n'
        'Acquire::Check-Valid-Until "false";\n'  # a mirror's index may be old; its signature is still checked
        'Acquire::Languages "none";\nAPT::Install-Recommends "false";\nAPT::Sandbox::User "";\n'
        'Debug::NoLocking "true";\n'
    )
    environment = {**os.environ, "APT_CONFIG": str(configuration), "LC_ALL": "C.UTF-8"}
    progress("Reading Debian's package index", 0, 1)
    _run(["apt-get", "update", "-qq"], deadline_s=300, environment=environment)
    progress("Reading Debian's package index", 1, 1)
    plan = _run(
        ["apt-get", "install", "-y", "--print-uris", "-qq", *PACKAGES], deadline_s=60, environment=environment
    )
    total = sum(1 for line in plan.splitlines() if line.startswith("'"))
    _download_with_progress(environment, total, progress)
    return sorted((work / "cache/archives").glob("*.deb"))


def _download_with_progress(environment: dict[str, str], total: int, progress: Report) -> None:
    fetch = subprocess.Popen(
        ["timeout", str(int(DOWNLOAD_DEADLINE_S)), "apt-get", "install", "-y", "--download-only", *PACKAGES],
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
            progress("Downloading Asterisk 22", min(done, total), total)
    if fetch.wait() != 0:
        raise NoAsterisk(f"Debian's Asterisk could not be downloaded ({' / '.join(last)}). {ALTERNATIVES}")


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
        raise NoAsterisk(f"`{' '.join(command[:2])}` failed: {reason} {ALTERNATIVES}") from error
    except subprocess.TimeoutExpired as error:
        raise NoAsterisk(f"`{' '.join(command[:2])}` took over {deadline_s:.0f} s. {ALTERNATIVES}") from error
    return done.stdout
