"""The reconciler goes on, whatever a vendor's records look like."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import cast

import pytest

from cti.virtual_pbx.intake import FactIntake
from cti.virtual_pbx.reconciler import FIRST_LOOK, PastCalls
from cti.virtual_pbx.vendors.generic import GenericPush
from tests.fakes.until import until
from tests.fakes.virtual_pbx import START, house, settings_of
from tickets.call import Call
from tickets.facts import Fact, FactBook

pytestmark = pytest.mark.unit


class Odd(GenericPush):
    """Its first answer is nothing that we know."""

    def __init__(self) -> None:
        super().__init__(settings_of("generic"), house())
        self.asked: list[datetime] = []

    async def past(self, since: datetime, until: datetime) -> list[Fact]:
        self.asked.append(since)
        if len(self.asked) == 1:
            raise KeyError("+12025550143")
        return [Fact("generic", "record-1", "generic-1", "record", START)]


class NoFacts:
    async def of_calls(self, call_ids: Collection[str]) -> dict[str, list[Fact]]:
        return {}


async def test_records_that_make_no_sense_are_asked_for_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vendor, kept = Odd(), list[Fact]()

    async def keep(facts: Sequence[Fact]) -> list[Fact]:
        return list(facts)

    async def no_calls() -> list[Call]:
        return []

    intake = FactIntake(keep, kept.extend, tmp_path)
    book = cast(FactBook, NoFacts())
    past = PastCalls(vendor, intake, book, no_calls, lambda event: None, look_s=0.005)
    tasks = [asyncio.create_task(intake.run()), asyncio.create_task(past.run())]
    try:
        await until(lambda: bool(kept))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert vendor.asked[:2] == [START - FIRST_LOOK] * 2
    said = capsys.readouterr().out
    assert "past_calls_unread" in said
    assert "5550143" not in said
