"""What the harness can do inside the service's process: a small file that both sides know.

The harness writes it, `service.py` reads it. Nothing in the product knows of it.
"""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

LEVERS = "PRESSZERO_CHAOS_LEVERS"  # environment variable: the file's path


@dataclass(frozen=True, slots=True)
class Pulled:
    """How the levers stand."""

    recogniser: str = "pass"  # pass | hold (for a moment, to be caught thinking) | hang | crash
    clock_s: float = 0.0  # what the service's wall clock is ahead of the machine's


class Levers:
    """Written by the harness, whole or not at all."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.stand = Pulled()
        self.pull()

    def pull(self, **levers: object) -> None:
        """Put some levers otherwise; the others stay."""
        self.stand = replace(self.stand, **levers)  # type: ignore[arg-type]
        holding_file(self.file).unlink(missing_ok=True)
        made = self.file.with_suffix(".new")
        made.write_text(json.dumps(asdict(self.stand)))
        made.replace(self.file)

    async def held(self) -> bool:
        """Whether the recogniser is held in the middle of its work."""
        return holding_file(self.file).exists()


def holding_file(levers: Path) -> Path:
    """Beside the levers: the service's one word back."""
    return levers.with_suffix(".holding")


class Seen:
    """The same levers from within the service; looked up anew when the file has changed."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stamp = 0
        self._pulled = Pulled()

    def __call__(self) -> Pulled:
        try:
            stamp = self._file.stat().st_mtime_ns
            if stamp != self._stamp:
                self._pulled = Pulled(**json.loads(self._file.read_text()))
                self._stamp = stamp
        except (OSError, ValueError):
            pass  # the last word counts
        return self._pulled
