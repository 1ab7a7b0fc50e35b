"""Whether an engine still recognises anything: after some failures in a row it counts as broken. Pure.

A broken engine is left alone for a while; then one more failure is enough.
"""

IN_A_ROW = 4
REST_S = 20.0


class Health:
    """Of one engine. Times are monotonic seconds."""

    def __init__(self, *, in_a_row: int = IN_A_ROW, rest_s: float = REST_S) -> None:
        """`in_a_row`: failures, one each of so many utterances. `rest_s`: until the next try."""
        self._most, self._rest_s = in_a_row, rest_s
        self._failed = 0
        self._rests_until = 0.0

    def succeeded(self) -> None:
        """An utterance was recognised."""
        self._failed = 0

    def failed(self, now: float) -> bool:
        """An utterance broke the engine; whether it counts as broken since this one."""
        self._failed += 1
        self._rests_until = now + self._rest_s
        return self._failed == self._most

    def trouble(self, now: float) -> str | None:
        """Why nobody should ask it now, in a sentence; None: ask."""
        if self._failed < self._most or now >= self._rests_until:
            return None
        return f"The recogniser failed {self._failed} times in a row: see the log, and restart the service."
