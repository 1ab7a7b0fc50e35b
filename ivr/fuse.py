"""The fuse: Asterisk's own TIMEOUT(absolute), a little beyond each step: if we freeze, it takes callers on.

On leaving it is put out; the dialplan does so too, for the case that we could not.
"""

from ivr.agi import AgiSession

FUSE_S = 3.0  # beyond the length of a step; prompts are played in pieces of a second


async def light(session: AgiSession, seconds: float) -> None:
    """Before a step that takes `seconds`."""
    await session.set_variable("TIMEOUT(absolute)", f"{seconds + FUSE_S:.2f}")


async def put_out(session: AgiSession) -> None:
    """The caller leaves us, and may stay where they go for as long as they like."""
    await session.set_variable("TIMEOUT(absolute)", 0)
