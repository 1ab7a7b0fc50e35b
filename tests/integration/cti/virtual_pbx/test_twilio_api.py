"""What we ask of Twilio, over a real connection to a simulated API."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import cast

import aiohttp
import pytest
from aiohttp import web
from pydantic import SecretStr

from cti.virtual_pbx.contract import (
    CallBack,
    CommandLate,
    CommandRefused,
    HangUp,
    Method,
    NotOffered,
    NotYet,
    Route,
    StartRecording,
    Tape,
    Transfer,
)
from cti.virtual_pbx.settings import Secret
from cti.virtual_pbx.simulators.twilio import TwilioSimulator, sid
from cti.virtual_pbx.stories import story
from cti.virtual_pbx.vendors.twilio import TwilioVoice
from cti.virtual_pbx.vendors.twilio.adapter import LOOK_BACK
from cti.virtual_pbx.vendors.twilio.addresses import Page
from cti.virtual_pbx.vendors.twilio.settings import TwilioSettings
from recordings.wav import read_header
from tests.fakes.twilio_desk import whither
from tests.fakes.virtual_pbx import START, arrive, house, settings_of
from tickets.facts import Fact

pytestmark = pytest.mark.integration

UNTIL = START + timedelta(hours=1)


class Account:
    """Our adapter, and the account that it asks."""

    def __init__(self, simulator: TwilioSimulator, settings: TwilioSettings, adapter: TwilioVoice) -> None:
        self.simulator, self.settings, self.adapter = simulator, settings, adapter
        self.side = simulator.side

    def facts(self, name: str) -> list[Fact]:
        """What was told of a story."""
        hooks = self.simulator.hooks(story(name), self.settings, START, name)
        return [fact for hook in hooks for fact in self.adapter.take(arrive(hook, "twilio"), hook.at).facts]

    def last_command(self) -> tuple[str, dict[str, list[str]]]:
        return self.side.commands[-1]


@pytest.fixture
async def account() -> AsyncIterator[Account]:
    simulator = TwilioSimulator()
    settings = cast(TwilioSettings, settings_of("twilio"))
    runner = web.AppRunner(simulator.side.application(settings))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    settings = settings.model_copy(update={"api": f"http://127.0.0.1:{runner.addresses[0][1]}"})
    try:
        async with aiohttp.ClientSession() as session:
            yield Account(simulator, settings, TwilioVoice(settings, house(session=session)))
    finally:
        await runner.cleanup()


async def test_a_caller_is_sent_on(account: Account) -> None:
    facts = [fact for fact in account.facts("queued") if fact.kind != Page.STATUS]
    await account.adapter.command(Transfer("102", "101"), facts)
    path, fields = account.last_command()
    assert path == f"Calls/{sid('CA', 'queued')}.json"
    page, place = whither(fields["Url"][0])
    assert (page, place.to, place.by) == (Page.TRANSFER, "102", "101")


async def test_a_caller_who_waits_is_sent_to_an_operator(account: Account) -> None:
    facts = [fact for fact in account.facts("left_queue") if fact.kind != Page.STATUS]
    await account.adapter.command(Route("101"), facts)
    page, place = whither(account.last_command()[1]["Url"][0])
    assert (page, place.to) == (Page.OPERATORS, "101")


async def test_a_call_is_ended_and_needs_no_word_to_be_recorded(account: Account) -> None:
    facts = [fact for fact in account.facts("queued") if fact.kind != Page.STATUS]
    await account.adapter.command(HangUp(), facts)
    assert account.last_command()[1] == {"Status": ["completed"]}
    with pytest.raises(NotOffered, match="first word"):
        await account.adapter.command(StartRecording("101"), facts)
    assert len(account.side.commands) == 1


async def test_a_call_that_is_over_is_not_commanded(account: Account) -> None:
    with pytest.raises(CommandRefused):
        await account.adapter.command(HangUp(), account.facts("queued"))
    assert account.side.commands == []


async def test_asking_the_colleague_first_is_not_offered(account: Account) -> None:
    facts = [fact for fact in account.facts("queued") if fact.kind != Page.STATUS]
    with pytest.raises(NotOffered):
        await account.adapter.command(Transfer("102", "101", Method.ATTENDED), facts)


async def test_an_operator_is_rung_and_then_the_customer(account: Account) -> None:
    await account.adapter.call_back(CallBack("101", "(202) 555-0143"))
    path, fields = account.last_command()
    assert path == "Calls.json"
    assert fields["To"] == ["sip:101@lottery.sip.twilio.com"]
    assert fields["From"] == ["+18005550100"]
    assert fields["StatusCallbackEvent"] == ["initiated", "completed"]
    page, place = whither(fields["Url"][0])
    assert (page, place.to, place.by) == (Page.CALL_BACK, "+12025550143", "101")


async def test_a_call_back_needs_a_phone_and_a_number(account: Account) -> None:
    for command in (CallBack("999", "+12025550143"), CallBack("101", "no number")):
        with pytest.raises(CommandRefused):
            await account.adapter.call_back(command)
    assert account.side.commands == []


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (429, 20429, CommandLate),
        (503, 20503, CommandLate),
        (401, 20003, CommandRefused),
        (404, 20404, CommandRefused),
        (400, 21220, CommandRefused),
        (400, 12345, CommandRefused),
    ],
)
async def test_a_refusal_is_said_in_a_sentence(
    account: Account, status: int, code: int, error: type[Exception]
) -> None:
    facts = [fact for fact in account.facts("queued") if fact.kind != Page.STATUS]
    account.side.refusals = [(status, code)]
    with pytest.raises(error) as refused:
        await account.adapter.command(HangUp(), facts)
    assert str(refused.value).startswith(("Twilio", "The"))
    assert "Refused" not in str(refused.value)  # Twilio's own words may hold numbers


async def test_a_wrong_token_is_named(account: Account) -> None:
    account.adapter.settings = account.settings.model_copy(
        update={"secrets": (Secret(value=SecretStr("another")),)}
    )
    with pytest.raises(CommandRefused, match="presszero connect twilio"):
        await account.adapter.past(START, UNTIL)


async def test_nobody_there_is_late(account: Account) -> None:
    account.adapter.settings = account.settings.model_copy(update={"api": "http://127.0.0.1:9"})
    with pytest.raises(CommandLate):
        await account.adapter.past(START, UNTIL)


async def test_past_calls_are_read_page_by_page(account: Account) -> None:
    names = ["answered", "queued", "second", "blind", "chain", "outgoing", "voicemail"]
    told = {fact.call_id for name in names for fact in account.facts(name)}
    account.side.page_size = 3
    past = await account.adapter.past(START, UNTIL)
    assert {fact.call_id for fact in past} == told
    assert len({fact.fact_id for fact in past}) == len(past)
    assert await account.adapter.past(START, UNTIL) == past


async def test_of_past_calls_those_of_the_accounts_other_numbers_are_left_alone(account: Account) -> None:
    other = replace(story("answered"), line="+18005550199")
    account.simulator.hooks(other, account.settings, START, "other")
    ours = {fact.call_id for fact in account.facts("answered")}
    assert {fact.call_id for fact in await account.adapter.past(START, UNTIL)} == ours


async def test_of_calls_long_over_nothing_is_kept_again(account: Account) -> None:
    account.facts("queued")
    assert await account.adapter.past(START + LOOK_BACK, UNTIL) != []
    assert await account.adapter.past(START + LOOK_BACK + timedelta(minutes=5), UNTIL) == []


async def test_the_next_page_is_never_looked_for_elsewhere(account: Account) -> None:
    account.facts("queued")
    for elsewhere in ("https://evil.example/2010-04-01/x", "//evil.example/x", "/2010-04-01/Accounts/ACx"):
        page = account.side._page
        account.side._page = lambda request, name, records, to=elsewhere: web.json_response(  # type: ignore[assignment,misc]
            {name: [], "next_page_uri": to}
        )
        assert await account.adapter.past(START, UNTIL) == []
        account.side._page = page  # type: ignore[method-assign]


async def test_a_recording_is_fetched_with_both_channels(account: Account, tmp_path: Path) -> None:
    (tape,) = account.adapter.tapes(account.facts("answered"))
    assert tape.caller == 0
    into = tmp_path / "recording"
    await account.adapter.fetch(tape, into)
    assert read_header(into.read_bytes()[:200]).channels == 2
    with pytest.raises(NotYet):
        await account.adapter.fetch(replace(tape, tape_id="RE0"), into)


async def test_of_a_call_that_goes_out_the_customer_is_on_the_second_channel(account: Account) -> None:
    (tape,) = account.adapter.tapes(account.facts("outgoing"))
    assert tape.caller == 1


async def test_a_recording_that_may_not_be_had_says_why(account: Account, tmp_path: Path) -> None:
    tape = Tape("RE1", "twilio-1", START)
    account.side.refusals = [(401, 20003), (429, 20429)]
    with pytest.raises(CommandRefused):
        await account.adapter.fetch(tape, tmp_path / "recording")
    with pytest.raises(CommandLate):
        await account.adapter.fetch(tape, tmp_path / "recording")
