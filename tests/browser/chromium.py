"""Find a Chromium, or unpack Debian's without root: `python -m tests.browser.chromium` brings one.

One on PATH is used as it is. Otherwise the headless shell of this machine's own Debian release is unpacked
into the cache, with its libraries and a font. It runs with the machine's C library, of the same release.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from cti.asterisk.install import cache_folder
from cti.debian_packages import PackagesMissing, keep_packages
from cti.progress import Report, progress_bar

NAMES = ("chromium", "chromium-headless-shell", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGES = ("chromium-headless-shell", "fonts-dejavu-core")
# The machine has its own C library; a headless one draws without a graphics card.
NOT_WANTED = ("libc6", "libc-bin", "libgl1-mesa-dri", "libllvm", "libz3-", "perl", "debconf", "xkb-data")
WITHOUT = "Install one, on Debian by `apt install chromium`: without it the tests of pages are skipped."


class NoChromium(Exception):
    """There is no Chromium here and none could be had; the message says what to do."""


def find_chromium() -> Path | None:
    """The program on PATH, else the unpacked one, else None."""
    for name in NAMES:
        found = shutil.which(name)
        if found is not None and _starts(Path(found)):
            return Path(found)
    unpacked = _folder() / "chromium"
    return unpacked if _starts(unpacked) else None


def install_chromium(progress: Report) -> Path:
    """Return a Chromium, downloading Debian's when there is none.

    Raises:
        NoChromium: it cannot be had here.
    """
    found = find_chromium()
    if found is not None:
        return found
    target = _folder()
    try:
        keep_packages(
            PACKAGES,
            target,
            progress,
            what="Chromium",
            leave_out=lambda name: name.startswith(NOT_WANTED),
            finish=lambda tree: _write_starter(tree, target),
        )
    except PackagesMissing as error:
        raise NoChromium(f"There is no Chromium here, nor Debian's. {error} {WITHOUT}") from error
    if not _starts(target / "chromium"):
        raise NoChromium(f"Debian's Chromium was unpacked but does not start. {WITHOUT}")
    return target / "chromium"


def _folder() -> Path:
    return cache_folder() / "chromium"


def _starts(program: Path) -> bool:
    if not program.is_file():
        return False
    try:
        done = subprocess.run([program, "--version"], capture_output=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _write_starter(tree: Path, home: Path) -> None:
    """Write what starts the program with the libraries and fonts of `tree`, once that lies at `home`."""
    folders = {path.parent.relative_to(tree) for path in tree.glob("**/*.so*") if path.suffix != ".py"}
    libraries = ":".join(str(home / folder) for folder in sorted(folders))
    (tree / "fonts.conf").write_text(
        '<?xml version="1.0"?>\n<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">\n'
        f"<fontconfig><dir>{home}/usr/share/fonts</dir><dir>/usr/share/fonts</dir>"
        f"<cachedir>{home}/font-cache</cachedir></fontconfig>\n"
    )
    starter = tree / "chromium"
    starter.write_text(
        "#!/bin/sh\n"
        f"export LD_LIBRARY_PATH='{libraries}'\n"
        f"export FONTCONFIG_FILE='{home}/fonts.conf'\n"
        f"exec '{home}/usr/lib/chromium/chromium-headless-shell' \"$@\"\n"
    )
    starter.chmod(0o755)


def main() -> None:
    """Bring one; without one the tests say so, loudly, and CI fails."""
    console = Console(stderr=True)
    try:
        with progress_bar(console) as report:
            install_chromium(report)
    except NoChromium as error:
        console.print(str(error), style="bold red", soft_wrap=True)
        sys.exit(1 if os.environ.get("CI") else 0)


if __name__ == "__main__":
    main()
