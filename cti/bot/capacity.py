"""How many conversations the bot may hold at once: decided from what this machine shows, not from a setting.

Pure policy: seconds, shares and counts come in as arguments. It begins with a few for each core, goes down at
once when callers wait for the recogniser, gives way step by step while the cores are full, and goes up one by
one while the ceiling is in use and the machine has room. Beyond the ceiling a caller gets a person, for the
reason `surge`.
"""

START_PER_CORE = 4
MOST = 500  # conversations, whatever the machine
LATE = 0.5  # share of its deadline after which an utterance counts as late: the caller heard "one moment"
DOWN_TO = 0.75  # of the conversations held when one was late
DOWN_EVERY_S = 3.0  # those in progress must first end for a lower ceiling to show
FULL = 0.9  # share of the cores' time: fewer, step by step
ROOM = 0.7  # below that there may be room for one more
UP_EVERY_S = 10.0


class BotCapacity:
    """Told of every utterance, and looked at now and then; times are monotonic seconds."""

    def __init__(self, cores: float, now_s: float) -> None:
        """`cores` that this process may use; containers give fractions too."""
        self._start = max(1, min(MOST, round(cores * START_PER_CORE)))
        self.ceiling = self._start
        self._refused = False
        self._lowered_s = float("-inf")
        self._changed_s = now_s

    def has_room(self, talking: int) -> bool:
        """Whether one more may come beside those who talk to the bot or are about to."""
        room = talking < self.ceiling
        self._refused = self._refused or not room
        return room

    def heard(self, waited_s: float, deadline_s: float, talking: int, now_s: float) -> None:
        """An utterance was understood, or given up, `waited_s` after the caller had ended it."""
        if waited_s < LATE * deadline_s or now_s - self._lowered_s < DOWN_EVERY_S:
            return
        # What was held was too much, however high the ceiling stood above it.
        self.ceiling = max(1, min(self.ceiling, int(talking * DOWN_TO)))
        self._lowered_s = self._changed_s = now_s

    def look(self, busy: float, talking: int, now_s: float) -> None:
        """`busy`: share of the cores' time that was used since the last look, 0 to 1."""
        wanted = self._refused or self.ceiling < self._start
        if busy >= FULL:
            # To half of the beginning: below that only callers who wait say that it is too much.
            self.ceiling = min(self.ceiling, max(1, self._start // 2, min(self.ceiling, talking) - 1))
            self._changed_s = now_s
        elif busy < ROOM and wanted and now_s - self._changed_s >= UP_EVERY_S:
            self.ceiling = min(MOST, self.ceiling + 1)
            self._changed_s = now_s
        self._refused = False
