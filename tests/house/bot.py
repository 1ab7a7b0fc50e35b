"""Callers on their way to the bot, and what it has said to them."""

import asyncio
from pathlib import Path

from cti.demo.network import Leg
from tests.fakes.until import eventually
from tests.house.centre import Centre
from tickets.ledger import CallBook
from tickets.vocabulary import EventKind

SPEAKS_S = 30.0  # until the bot says something, on a machine that has other work


async def at_the_bot(
    centre: Centre, number: str, *, keys: str = "1", tape: Path | None = None, line: str = "+18005550100"
) -> tuple[Leg, str]:
    """A caller who knew the keys of the menu, and whom the bot has greeted."""
    caller, call_id = await centre.call(number, tape=tape, line=line)
    await centre.stage(call_id, "menu")
    await asyncio.sleep(0.5)  # nobody presses before they have heard anything
    await caller.press(keys)
    await bot_says(centre, caller, call_id, "greeting")
    return caller, call_id


async def bot_says(centre: Centre, caller: Leg, call_id: str, prompt: str, times: int = 1) -> None:
    """Wait until the bot has said this so often, and has said all."""
    await bot_begins(centre, call_id, prompt, times)
    await caller.wait_for_quiet()


async def bot_begins(centre: Centre, call_id: str, prompt: str, times: int = 1) -> None:
    """Wait until the bot begins to say this, for the nth time."""
    book = CallBook(centre.database.sessions, deadline_s=SPEAKS_S)
    heard: list[object] = []

    async def said() -> bool:
        turns = [event.data for event in await book.events_of(call_id) if event.kind is EventKind.BOT_TURN]
        heard[:] = [(turn["speaker"], turn["intent"], turn["text"]) for turn in turns]
        return [turn["intent"] for turn in turns if turn["speaker"] == "bot"].count(prompt) >= times

    try:
        await eventually(said, SPEAKS_S, f"the bot says {prompt}")
    except AssertionError as error:
        raise AssertionError(f"{error}; it was: {heard}") from None
