"""How guessing passwords is made slow: after a few wrong ones a login has to wait, longer each time. Pure."""

from datetime import datetime, timedelta

FREE = 5  # wrong passwords without a wait
LONGEST_S = 300.0
FORGET = timedelta(minutes=15)  # after this long without a wrong one
LOGINS = 10_000  # remembered; a flood of made-up logins must not fill the disk


def wait_s(wrong: int, last: datetime, now: datetime) -> float:
    """Seconds until the next attempt is heard; 0 when it is heard at once."""
    if wrong < FREE or now - last > FORGET:
        return 0.0
    pause = min(LONGEST_S, 2.0 ** min(wrong - FREE + 1, 16))
    return max(0.0, pause - (now - last).total_seconds())


def counted(wrong: int, last: datetime, now: datetime) -> int:
    """How many wrong ones it is with one more."""
    return (0 if now - last > FORGET else wrong) + 1
