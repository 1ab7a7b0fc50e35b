"""The keys that callers press, heard by a second way, so that none is lost between two pieces of a prompt.

While a FastAGI session waits for our next command, Asterisk reads the caller's channel and throws away what
it reads, keys included (res_agi.c, "Idle the channel until we get a command"). Between two pieces that is a
few milliseconds, and on a full machine more. The PBX tells of each key by its own events too: what comes
there and was not given to us as the answer to a command, was lost, and counts now.

Pure: no PBX, no clock. Keys are kept only of callers at reception.
"""


class Keys:
    """All callers at reception; each by their call id."""

    def __init__(self) -> None:
        self._pressed: dict[str, list[str]] = {}  # told by the PBX, not yet taken
        self._taken: dict[str, list[str]] = {}  # taken, and not yet told by the PBX

    def enter(self, call_id: str) -> None:
        """From now on this caller's keys count."""
        self._pressed[call_id], self._taken[call_id] = [], []

    def leave(self, call_id: str) -> None:
        """They no longer do."""
        self._pressed.pop(call_id, None)
        self._taken.pop(call_id, None)

    def pressed(self, call_id: str, key: str) -> None:
        """The PBX tells that a caller has pressed a key."""
        taken = self._taken.get(call_id, [])
        if key in taken:
            taken.remove(key)
        elif call_id in self._pressed:
            self._pressed[call_id].append(key)

    def took(self, call_id: str, key: str) -> None:
        """A command was answered with this key; the PBX's own word may come before or after."""
        pressed = self._pressed.get(call_id, [])
        if key in pressed:
            pressed.remove(key)
        elif call_id in self._taken:
            self._taken[call_id].append(key)

    def lost(self, call_id: str, among: str) -> str | None:
        """The first key `among` those that count now, which was pressed and never given to us."""
        pressed = self._pressed.get(call_id, [])
        key = next((key for key in pressed if key in among), None)
        pressed.clear()  # a key that does not count now must not count later
        return key
