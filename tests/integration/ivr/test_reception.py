"""Whole visits to reception over a real FastAGI socket, with a scripted caller."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Any
from uuid import UUID

import pytest

from ivr.call_back_rules import PROMPTS as CALL_BACK_PROMPTS
from ivr.fuse import FUSE_S
from ivr.keys import Keys
from ivr.menu import ALL_KEYS, Incident
from ivr.pieces import Rendered
from ivr.prompts import PromptBook
from ivr.reception import ExpectedBot, KnownCaller, Reception
from ivr.scenario import STATIC_PROMPTS, Scenario
from ivr.scenario_file import load_scenario
from ivr.server import FastAgiServer
from tests.fakes.agi_client import HANG_UP, AgiClient
from tickets.call import replay
from tickets.events import CallEvent
from tickets.vocabulary import CallOutcome, EventKind, HandOver
from voicebot.outcome import Ending, Outcome

pytestmark = pytest.mark.integration

LOTTERY = load_scenario(Path("scenarios/lottery.yaml"))
NOON = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)  # in New York
NIGHT = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
POSTPONED = Incident(7, "Draw postponed", "incident-7")
IN_SURGE = ("surge", "menu-short", "invite-short-9", "announce-short-3")
BOT = UUID("7e2f4bb4-93f4-4f0c-a8a4-0f4b7a1d5a11")


class NoVoice:
    """A voice that is never asked: these prompts are ready."""

    async def render(self, text: str) -> Path:
        raise AssertionError

    async def render_all(self, texts: Any, progress: Any = None) -> list[Path]:
        raise AssertionError


def book(scenario: Scenario) -> PromptBook:
    """Its prompts; the Russian ones are named `ru.greeting` and so on."""
    return PromptBook(sounds(scenario), NoVoice(), Path(), {"ru": russian_book(scenario)})


def russian_book(scenario: Scenario) -> PromptBook:
    prompts = {
        name: tuple(replace(piece, path=piece.path.with_name(f"ru.{piece.path.name}")) for piece in sound)
        for name, sound in sounds(scenario).items()
        if not name.startswith("quiet")
    }
    return PromptBook(sounds(scenario) | prompts, NoVoice(), Path())


def sounds(scenario: Scenario) -> dict[str, tuple[Rendered, ...]]:
    names = [*(name for name, _ in scenario.spoken()), *scenario.invitations()]
    sounds = {name: (Rendered(PurePath("/prompts") / name, 0.8),) for name in names}
    quiet = {f"quiet-{s}": (Rendered(PurePath("/prompts/quiet"), 1.0),) * s for s in range(1, 31)}
    sounds[POSTPONED.prompt] = (Rendered(PurePath("/prompts") / POSTPONED.prompt, 0.8),)
    return sounds | quiet


async def nobody(number: str) -> KnownCaller | None:
    return None


class Desk:
    """A reception behind a real door, and everything it told the ledger."""

    def __init__(self) -> None:
        self.events: list[CallEvent] = []
        self.keys = Keys()
        self.port = 0
        self.server: FastAgiServer | None = None

    async def open(
        self,
        *,
        scenario: Scenario = LOTTERY,
        find: Callable[[str], Awaitable[KnownCaller | None]] = nobody,
        announce: Callable[[str, str], ExpectedBot | None] = lambda call_id, language: ExpectedBot(BOT),
        decision: Callable[[UUID], Outcome | None] = lambda uuid: None,
        now: datetime = NOON,
        incident: Incident | None = None,
        surge: bool = False,
        bot_speaks: Callable[[str], bool] = lambda language: True,
    ) -> None:
        reception = Reception(
            scenario,
            book(scenario),
            find,
            announce,
            decision,
            self.events.append,
            lambda: now,
            incident=lambda: incident,
            in_surge=lambda: surge,
            keys=self.keys,
            bot_speaks=bot_speaks,
        )
        self.server = FastAgiServer("127.0.0.1", 0, reception.serve)
        await self.server.start()

    async def call(self, keys: dict[str, str] | None = None, **channel: Any) -> AgiClient:
        assert self.server is not None
        client = await AgiClient(keys, **channel).call(self.server.port)
        if not client.hung_up and client.fuses:
            assert client.fuses[-1] == 0, "the fuse must be out when the caller goes on"
        return client

    def kinds(self) -> list[EventKind]:
        return [event.kind for event in self.events]

    def hand_over(self) -> str | None:
        reasons = [event.data["reason"] for event in self.events if event.kind is EventKind.HANDED_OVER]
        assert len(reasons) <= 1
        return str(reasons[0]) if reasons else None


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    yield desk
    if desk.server is not None:
        await desk.server.stop()


async def test_it_leads_a_caller_to_the_bot(desk: Desk) -> None:
    await desk.open()
    client = await desk.call({"menu-main": "1"})
    assert client.played == ["greeting", "recording_notice", "menu-main"]
    assert client.variables["PZ_NEXT"] == "bot"
    assert client.variables["PZ_BOT_UUID"] == str(BOT)
    assert desk.kinds() == [EventKind.MENU_ENTERED, EventKind.MENU_CHOICE]
    assert {(event.source, event.call_id) for event in desk.events} == {("ivr", "pz-1.1")}


class PressingBetween(AgiClient):
    """Presses a key between two commands, when Asterisk throws it away and only its events tell of it."""

    def __init__(self, heard: Keys, **keys: str) -> None:
        super().__init__()
        self._heard = heard
        self._presses = keys  # by the sound before which they come

    async def wait(self, command: str) -> None:
        for sound, key in list(self._presses.items()):
            if command.startswith("STREAM FILE") and f"/{sound.replace('_', '-')}" in command:
                self._heard.pressed("pz-1.1", key)
                del self._presses[sound]


async def test_a_key_between_two_pieces_counts(desk: Desk) -> None:
    await desk.open()
    assert desk.server is not None
    client = await PressingBetween(desk.keys, menu_main="0").call(desk.server.port)
    assert client.played[-1] == "menu-main"
    assert client.variables["PZ_NEXT"] == "operator"
    assert desk.hand_over() == HandOver.PRESSED_ZERO
    desk.keys.pressed("pz-1.1", "0")
    assert desk.keys.lost("pz-1.1", "0") is None, "nothing is kept of who has left"


async def test_who_hears_of_an_incident_and_hangs_up_was_informed(desk: Desk) -> None:
    await desk.open(incident=POSTPONED)
    client = await desk.call({"menu-main": HANG_UP})
    assert client.played == ["greeting", "recording_notice", "incident-7", "menu-main"]
    assert desk.kinds() == [EventKind.MENU_ENTERED, EventKind.ANNOUNCED]
    at = desk.events[-1].at
    call = replay([*desk.events, CallEvent("ami", "end", "pz-1.1", at, EventKind.ENDED, {}, 9)])
    assert (call.outcome, call.topic) == (CallOutcome.INFORMED_BY_MENU, "Draw postponed")


async def test_zero_cuts_an_incident_short(desk: Desk) -> None:
    await desk.open(incident=POSTPONED)
    client = await desk.call({"incident-7": "0"})
    assert client.variables["PZ_NEXT"] == "operator"
    assert desk.kinds() == [EventKind.MENU_ENTERED, EventKind.HANDED_OVER]


TO_ENGLISH = {name for name in LOTTERY.invitations() if name.endswith("-8")}  # for who hears another


def places() -> list[tuple[str, dict[str, str], datetime]]:
    """Each prompt of reception, with the keys that bring a caller there."""
    ways: dict[str, tuple[dict[str, str], datetime]] = {
        "greeting": ({}, NOON),
        "recording_notice": ({}, NOON),
        "menu-main": ({}, NOON),
        "invite-main-9": ({}, NOON),
        "invite-main-9?": ({}, NOON),
        "no_input": ({}, NOON),
        "invalid": ({"menu-main": "7"}, NOON),
        "menu-prizes": ({"menu-main": "2"}, NOON),
        "announce-main-3": ({"menu-main": "3"}, NOON),
        "announce-prizes-1": ({"menu-main": "2", "menu-prizes": "1"}, NOON),
        "goodbye": ({"menu-main": "2", "menu-prizes": "1"}, NOON),
        "goodbye?": ({"menu-main": "2", "menu-prizes": "1"}, NOON),
        "closed": ({}, NIGHT),
        "menu-closed": ({}, NIGHT),
        "invite-closed-9": ({}, NIGHT),
        "invite-closed-9?": ({}, NIGHT),
        **dict.fromkeys(IN_SURGE, ({}, NOON)),
        "announce-short-3": ({"menu-short": "3"}, NOON),
    }
    elsewhere = {*STATIC_PROMPTS, *CALL_BACK_PROMPTS, *TO_ENGLISH}
    reachable = {*(name for name, _ in LOTTERY.spoken()), *LOTTERY.invitations()} - elsewhere
    assert reachable <= ways.keys(), "a new prompt needs its line here"
    return [(name, keys, now) for name, (keys, now) in ways.items()]


@pytest.mark.parametrize(("prompt", "way", "now"), places(), ids=lambda value: str(value)[:20])
async def test_it_gives_an_operator_for_zero_at(
    desk: Desk, prompt: str, way: dict[str, str], now: datetime
) -> None:
    await desk.open(now=now, surge=prompt in IN_SURGE)
    client = await desk.call({**way, prompt: "0"})
    assert client.played[-1] == prompt.rstrip("?")
    assert client.variables["PZ_NEXT"] == "operator"
    assert client.variables["PZ_QUEUE"] == "support"
    assert desk.hand_over() == HandOver.PRESSED_ZERO


async def test_it_puts_vips_in_front_before_the_first_prompt(desk: Desk) -> None:
    async def find(number: str) -> KnownCaller:
        assert number == "+12125550123"
        return KnownCaller(7, 2)

    await desk.open(find=find)
    client = await desk.call({"greeting": "0"})
    assert client.variables["PZ_PRIORITY"] == "20"
    before_the_greeting = client.commands[: next(i for i, c in enumerate(client.commands) if "greeting" in c)]
    assert 'SET VARIABLE PZ_PRIORITY "20"' in before_the_greeting
    assert 'SET VARIABLE PZ_QUEUE "support"' in before_the_greeting
    assert dict(desk.events[0].data) == {"customer_id": 7, "vip_level": 2}


async def test_it_does_not_look_for_a_withheld_number(desk: Desk) -> None:
    async def find(number: str) -> KnownCaller:
        raise AssertionError

    await desk.open(find=find)
    client = await desk.call({"greeting": "0"}, caller="unknown")
    assert client.variables["PZ_PRIORITY"] == "0"


async def broken(number: str) -> KnownCaller:
    raise OSError("the customer list is away")


async def endless(number: str) -> KnownCaller:
    await asyncio.Event().wait()
    raise AssertionError


@pytest.mark.parametrize("find", [broken, endless])
async def test_it_goes_on_without_the_customer_list(
    desk: Desk, find: Callable[[str], Awaitable[KnownCaller | None]]
) -> None:
    await desk.open(find=find)
    client = await desk.call({"menu-main": "1"})
    assert client.variables["PZ_NEXT"] == "bot"
    assert client.variables["PZ_PRIORITY"] == "0"


async def test_it_lights_a_short_fuse_before_each_piece(desk: Desk) -> None:
    await desk.open()
    client = await desk.call()
    assert client.commands[0].startswith('SET VARIABLE TIMEOUT(absolute) "')
    greeting, notice, menu, invitation, silence = client.fuses[1:6]
    assert greeting == notice == menu == invitation == pytest.approx(0.8 + FUSE_S)
    assert silence == pytest.approx(1.0 + FUSE_S)
    steps = [command for command in client.commands if "TIMEOUT" in command or "STREAM" in command]
    pieces = [number for number, command in enumerate(steps) if "STREAM" in command]
    assert len(pieces) > 10
    assert all("TIMEOUT" in steps[number - 1] for number in pieces)
    assert max(client.fuses) < 5


@pytest.mark.parametrize(("fuse_s", "told"), [(None, None), (200.0, "200")])
async def test_it_gives_the_bot_a_long_fuse_only_where_nobody_can_re_arm_a_short_one(
    desk: Desk, fuse_s: float | None, told: str | None
) -> None:
    await desk.open(announce=lambda call_id, language: ExpectedBot(BOT, fuse_s))
    client = await desk.call({"menu-main": "1"})
    assert client.variables["PZ_NEXT"] == "bot"
    assert client.variables.get("PZ_BOT_FUSE") == told


async def test_it_gives_an_operator_when_nothing_is_pressed(desk: Desk) -> None:
    await desk.open()
    client = await desk.call()
    assert client.played.count("menu-main") == 3
    assert client.variables["PZ_NEXT"] == "operator"
    assert desk.hand_over() == HandOver.NO_INPUT


async def test_it_informs_and_says_good_bye(desk: Desk) -> None:
    await desk.open()
    client = await desk.call({"menu-main": "2", "menu-prizes": "1"})
    assert client.variables["PZ_NEXT"] == "bye"
    assert client.played[-2:] == ["announce-prizes-1", "goodbye"]
    assert EventKind.ANNOUNCED in desk.kinds()


async def test_it_takes_a_message_out_of_hours(desk: Desk) -> None:
    await desk.open(now=NIGHT)
    client = await desk.call({"menu-closed": "2"})
    assert client.played == ["greeting", "recording_notice", "closed", "menu-closed"]
    assert client.variables["PZ_NEXT"] == "voicemail"


async def test_it_says_nothing_of_a_fault_when_the_caller_hangs_up(desk: Desk) -> None:
    await desk.open()
    client = await desk.call({"menu-main": HANG_UP})
    assert "PZ_NEXT" not in client.variables
    assert desk.kinds() == [EventKind.MENU_ENTERED]


async def test_it_gives_an_operator_when_the_bot_is_full(desk: Desk) -> None:
    await desk.open(announce=lambda call_id, language: None)
    client = await desk.call({"menu-main": "1"})
    assert client.variables["PZ_NEXT"] == "operator"
    assert desk.hand_over() == HandOver.SURGE


async def test_it_gives_an_operator_when_the_bot_cannot_be_asked(desk: Desk) -> None:
    def fail(call_id: str, language: str) -> UUID:
        raise RuntimeError("a mistake of ours")

    await desk.open(announce=fail)
    client = await desk.call({"menu-main": "1"})
    assert client.variables["PZ_NEXT"] == "operator"
    assert desk.hand_over() == HandOver.FAULT


async def test_it_gives_an_operator_when_a_prompt_is_missing(desk: Desk) -> None:
    await desk.open()
    assert desk.server is not None
    reception = Reception(
        LOTTERY,
        PromptBook({}, NoVoice(), Path()),
        nobody,
        lambda call_id, language: BOT,
        lambda uuid: None,
        desk.events.append,
        lambda: NOON,
    )
    server = FastAgiServer("127.0.0.1", 0, reception.serve)
    await server.start()
    client = await AgiClient().call(server.port)
    await server.stop()
    assert client.variables["PZ_NEXT"] == "operator"
    assert client.fuses[-1] == 0
    assert desk.hand_over() == HandOver.FAULT


ASKED = Outcome.to_operator(HandOver.ASKED)


@pytest.mark.parametrize(
    ("outcome", "goes_to", "reason"),
    [
        (Outcome(Ending.ANSWERED, topic="Next draw"), "bye", None),
        (ASKED, "operator", None),  # the bot itself has told why
        (None, "operator", HandOver.FAULT),
        (Outcome(Ending.ANSWERED, hung_up=True), "operator", HandOver.FAULT),  # cut; the caller is still here
        (Outcome(Ending.GONE, hung_up=True), "operator", HandOver.FAULT),
    ],
)
async def test_it_acts_on_what_the_bot_decided(
    desk: Desk, outcome: Outcome | None, goes_to: str, reason: HandOver | None
) -> None:
    await desk.open(decision=lambda uuid: outcome if uuid == BOT else None)
    client = await desk.call(script="after-bot", variables={"PZ_BOT_UUID": str(BOT)})
    assert client.variables["PZ_NEXT"] == goes_to
    assert client.played == []
    assert desk.hand_over() == reason


@pytest.mark.parametrize("uuid", ["", "nonsense", "5e1c3b0e-7f43-4d53-9a53-0f6f3d0c7b11"])
async def test_it_gives_an_operator_when_nobody_knows_the_conversation(desk: Desk, uuid: str) -> None:
    await desk.open()
    client = await desk.call(script="after-bot", variables={"PZ_BOT_UUID": uuid})
    assert client.variables["PZ_NEXT"] == "operator"
    assert desk.hand_over() == HandOver.FAULT


async def test_it_gives_every_event_of_all_visits_an_id_of_its_own(desk: Desk) -> None:
    await desk.open()
    await desk.call({"menu-main": "1"})
    await desk.call(script="after-bot", variables={"PZ_BOT_UUID": str(BOT)})
    ids = [event.source_id for event in desk.events]
    assert len(ids) == len(set(ids)) == 3


async def test_it_knows_the_call_by_its_channel_when_the_dialplan_set_no_id(desk: Desk) -> None:
    await desk.open()
    await desk.call({"greeting": "0"}, variables={"PZ_CALL": ""})
    assert desk.events[0].call_id == "pz-1.1"


async def test_it_lets_any_key_stop_a_menu(desk: Desk) -> None:
    await desk.open()
    client = await desk.call({"greeting": "1"})
    greeting = next(command for command in client.commands if "greeting" in command)
    assert greeting.endswith('"0123489"')
    client = await desk.call({"menu-main": "1"})
    menu = next(command for command in client.commands if "menu-main" in command)
    assert menu.endswith(f'"{ALL_KEYS}"')


async def test_who_chooses_russian_hears_russian_and_so_does_the_dialplan_from_then_on(desk: Desk) -> None:
    told: list[str] = []

    def announce(call_id: str, language: str) -> ExpectedBot:
        told.append(language)
        return ExpectedBot(BOT)

    await desk.open(announce=announce)
    client = await desk.call({"menu-main": "9", "ru.menu-main": "1"})
    assert client.played == [
        "greeting",
        "recording_notice",
        "menu-main",
        "ru.recording_notice",
        "ru.menu-main",
    ]
    assert client.variables["PZ_LANGUAGE"] == "ru"
    assert client.variables["CHANNEL(language)"] == "ru"
    assert client.variables["PZ_NEXT"] == "bot"
    assert told == ["ru"]
    [event] = [event for event in desk.events if event.kind is EventKind.LANGUAGE]
    assert dict(event.data) == {"language": "ru", "how": "key"}
    set_at = client.commands.index('SET VARIABLE CHANNEL(language) "ru"')
    assert set_at < next(n for n, command in enumerate(client.commands) if "ru.recording_notice" in command)


async def test_a_caller_of_a_russian_line_is_greeted_in_russian(desk: Desk) -> None:
    await desk.open()
    client = await desk.call({"ru.invite-main-8": "0"}, variables={"PZ_LANGUAGE": "ru"})
    assert client.played == ["ru.greeting", "ru.recording_notice", "ru.menu-main", "ru.invite-main-8"]
    assert "CHANNEL(language)" not in client.variables  # the dialplan has set it
    [event] = [event for event in desk.events if event.kind is EventKind.LANGUAGE]
    assert dict(event.data) == {"language": "ru", "how": "line"}


@pytest.mark.parametrize(("of_line", "of_card"), [("en", "ru"), ("ru", "en-US"), ("", "ru-RU")])
async def test_the_language_on_a_customers_card_comes_before_that_of_the_line(
    desk: Desk, of_line: str, of_card: str
) -> None:
    async def find(number: str) -> KnownCaller:
        return KnownCaller(7, 0, of_card)

    await desk.open(find=find)
    client = await desk.call({"greeting": "0", "ru.greeting": "0"}, variables={"PZ_LANGUAGE": of_line})
    assert client.played == ["ru.greeting" if of_card.startswith("ru") else "greeting"]
    assert client.variables["CHANNEL(language)"] == of_card[:2]


async def test_a_language_that_the_scenario_has_not_changes_nothing(desk: Desk) -> None:
    async def find(number: str) -> KnownCaller:
        return KnownCaller(7, 0, "fr")

    await desk.open(find=find)
    client = await desk.call({"greeting": "0"}, variables={"PZ_LANGUAGE": "de"})
    assert client.played == ["greeting"]
    assert EventKind.LANGUAGE not in desk.kinds()


async def test_where_the_bot_does_not_hear_russian_its_callers_get_people(desk: Desk) -> None:
    await desk.open(bot_speaks=lambda language: language == "en")
    client = await desk.call({"menu-main": "9", "ru.menu-main": "1"})
    assert client.variables["PZ_NEXT"] == "operator"
    assert "PZ_BOT_UUID" not in client.variables
    assert desk.hand_over() == HandOver.MENU_CHOICE
