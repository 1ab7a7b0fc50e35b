"""What is said in the log of a mistake of ours: where it happened, and never what it happened with.

An error's message may hold what was read, and that holds callers' numbers.
"""

import traceback
from pathlib import Path


def place_of(error: BaseException) -> dict[str, str]:
    """For a log line: the kind of error, and the files and lines that led to it."""
    steps = traceback.extract_tb(error.__traceback__)[-4:]
    way = " > ".join(f"{Path(step.filename).name}:{step.lineno}" for step in steps)
    return {"error": type(error).__name__, "at": way}
