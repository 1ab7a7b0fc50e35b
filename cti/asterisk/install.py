"""Find an Asterisk, or unpack Debian's without root.

Knows apt and the file system; knows nothing of calls. An Asterisk on PATH that is new enough is used as it
is. Otherwise Debian's Asterisk 22 (suite `forky`) and all that it needs is downloaded by apt, which checks
the signatures, and unpacked into the cache; it then runs through its own loader, so nothing is installed.
"""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cti.debian_packages import PackagesMissing, keep_packages
from cti.progress import Report

SUITE = "forky"
PACKAGES = (
    "asterisk",
    "asterisk-core-sounds-en",
    "asterisk-core-sounds-en-wav",
    "asterisk-moh-opsound-wav",
    "espeak-ng",
)
FIT_SINCE = {20: 14, 21: 9, 22: 4}  # older ones do not tell the voicebot that its caller has pressed zero

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
    try:
        keep_packages(PACKAGES, target, progress, what="Asterisk 22", suite=SUITE)
    except PackagesMissing as error:
        raise NoAsterisk(
            f"There is no Asterisk here, and Debian's cannot be had. {error} {ALTERNATIVES}"
        ) from error
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
