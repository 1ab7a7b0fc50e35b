"""Who finishes and who is handed over when the service ends: in virtual rooms, in real order."""

import asyncio

import pytest

from cti.process import drain as module
from cti.process.drain import Drain
from tests.fakes.care import Care

pytestmark = pytest.mark.unit

SOON_S = 5


async def test_with_nobody_in_our_care_it_is_over_at_once() -> None:
    care = Care()
    drain = Drain(care, care, care)
    assert not drain.begun
    await asyncio.wait_for(drain.run(60, asyncio.Event()), SOON_S)
    assert drain.begun
    assert care.told == ["pass_on", "begin_no_more"]


async def test_who_is_in_the_menu_or_talks_may_finish() -> None:
    care = Care()
    care.menus.clear()
    care.talks.clear()
    ending = asyncio.create_task(Drain(care, care, care).run(60, asyncio.Event()))
    await care.waited_for.wait()
    care.menus.set()
    care.talks.set()
    await asyncio.wait_for(ending, SOON_S)
    assert care.told == ["pass_on", "begin_no_more"]


@pytest.mark.parametrize("hurried", [False, True], ids=["at the limit", "in a hurry"])
async def test_the_rest_is_handed_over(hurried: bool) -> None:
    care = Care()
    care.menus.clear()
    care.talks.clear()
    hurry = asyncio.Event()
    ending = asyncio.create_task(Drain(care, care, care).run(60 if hurried else 0.01, hurry))
    await care.waited_for.wait()
    if hurried:
        assert "hand_over" not in care.told
        hurry.set()
    await asyncio.wait_for(ending, SOON_S)
    assert care.told == ["pass_on", "begin_no_more", "let_go", "hand_over"]


async def test_whoever_does_not_let_go_holds_nobody_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HAND_OVER_S", 0.05)
    care = Care(stubborn=True)
    care.talks.clear()
    await asyncio.wait_for(Drain(care, care, care).run(0, asyncio.Event()), SOON_S)
    assert care.told[-1] == "hand_over"
