"""The lottery's look-ups in the demo's company: what the scenario asks for is what is answered."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from cti.customers.lookups import LookupDesk
from cti.demo.company import BALANCES, PLAYERS, TICKETS, company
from ivr.scenario_file import load_scenario
from voicebot.lookup import Found, Unknown, fits, spoken_fields, words_for
from voicebot.texts import fields_of

pytestmark = pytest.mark.integration

BOT = load_scenario(Path(__file__).parents[3] / "scenarios" / "lottery.yaml").bot


@pytest.fixture
async def desk() -> AsyncIterator[LookupDesk]:
    async with company([]) as systems, LookupDesk.connected(systems.lookups, "", BOT.lookups) as desk:
        yield desk


async def words(desk: LookupDesk, name: str, values: Mapping[str, str]) -> str:
    """What the caller hears; fails where a field is missing."""
    answer = await desk.ask(name, values)
    assert isinstance(answer, Found)
    lookup = BOT.lookups[name]
    text = words_for(lookup, answer.fields)
    assert text is not None
    assert fields_of(text) <= spoken_fields(lookup, answer.fields, "en").keys()
    return text


async def test_there_is_something_to_say_to_every_ticket(desk: LookupDesk):
    said = {await words(desk, "ticket", {"ticket": number}) for number in TICKETS}
    assert said == {case.say for case in BOT.lookups["ticket"].cases}


async def test_a_ticket_that_was_never_printed_is_unknown(desk: LookupDesk):
    assert await desk.ask("ticket", {"ticket": "00000000"}) == Unknown()


async def test_who_proves_who_they_are_hears_their_balance(desk: LookupDesk):
    assert BOT.identity is not None
    for account, birth in PLAYERS:
        answer = await desk.ask("player", {"account": account, "birth": birth})
        assert isinstance(answer, Found)
        assert fits(BOT.identity.when, answer.fields)
        player = str(answer.fields["player"])
        assert player in BALANCES
        assert "{balance}" in await words(desk, "balance", {"player": player})


async def test_nobody_is_told_which_part_of_the_proof_was_wrong(desk: LookupDesk):
    assert BOT.identity is not None
    [(account, birth), (_, other)] = PLAYERS
    wrong_date = await desk.ask("player", {"account": account, "birth": other})
    wrong_account = await desk.ask("player", {"account": "0000", "birth": birth})
    assert wrong_date == wrong_account == Found({"same": False})
