"""What Twilio is told to do with a caller: the scenario's reception, a page at a time."""

import asyncio
from typing import cast
from uuid import UUID

import pytest

from cti.virtual_pbx.contract import CommandRefused, Route, neutral_id
from cti.virtual_pbx.vendors.twilio.addresses import Page, Place
from cti.virtual_pbx.vendors.twilio.place import word_of
from ivr.menu import MAX_STEPS, Stage, State
from ivr.prompts import PromptBook
from ivr.reception import KnownCaller
from ivr.scenario_file import load_scenario
from tests.fakes.scenarios import LOTTERY
from tests.fakes.twilio_desk import NIGHT, TwilioDesk, played, twiml, verbs, whither
from tests.fakes.virtual_pbx import adapter_of
from tickets.vocabulary import EventKind, HandOver, Presence
from voicebot.media import MediaPort
from voicebot.outcome import Ending, Outcome

pytestmark = pytest.mark.unit

ALICE, BEN = "sip:101@lottery.sip.twilio.com", "client:ben"


async def waiting(desk: TwilioDesk, sid: str, *, vip: int = 0, since: int | None = None) -> list[str]:
    """Whom a caller who asks for a person rings now."""
    place = Place(queue="support", since=since or int(desk.now.timestamp()), vip=vip, turn=1)
    document = await desk.ask(Page.OPERATORS, place, sid)
    return [str(noun.text) for dial in document.iter("Dial") for noun in dial]


async def test_a_caller_is_greeted_told_of_the_recording_and_may_press_a_key_at_once() -> None:
    desk = TwilioDesk()
    document = await desk.ask(Page.VOICE)
    assert verbs(document) == ["Gather", "Redirect"]
    assert played(document) == ["greeting", "recording_notice"]
    gather = document[0]
    assert (gather.get("input"), gather.get("numDigits"), gather.get("finishOnKey")) == ("dtmf", "1", "")
    assert gather.get("actionOnEmptyResult") == "true"
    assert [event.kind for event in desk.told] == [EventKind.MENU_ENTERED]
    assert played(await desk.follow(gather.get("action"), Digits=""))[:1] == ["menu-main"]


async def test_before_the_prompts_are_spoken_callers_ring_the_operators_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A menu that says nothing would be a trap."""
    monkeypatch.setattr(PromptBook, "is_spoken", False)
    desk = TwilioDesk()
    document = await desk.ask(Page.VOICE)
    assert verbs(document) == ["Dial"]
    assert ALICE in [str(noun.text) for noun in document[0]]
    waiting = await desk.ask(Page.OPERATORS, Place(queue="support", since=int(desk.now.timestamp())))
    assert played(waiting) == []
    assert "Dial" in verbs(waiting)


@pytest.mark.parametrize("night", [False, True])
async def test_zero_is_a_person_at_every_prompt(night: bool) -> None:
    """Every prompt that any keys lead to, voicemail's too."""
    desk = TwilioDesk()
    if night:
        desk.now = NIGHT
    prompts, seen = [await desk.ask(Page.VOICE)], set[str]()
    while prompts:
        document = prompts.pop()
        for verb in document:
            if verb.tag == "Record":
                assert "0" in str(verb.get("finishOnKey"))
            if verb.tag not in ("Gather", "Record"):
                continue
            action = str(verb.get("action"))
            person = await desk.follow(action, Digits="0")
            page, place = whither(person[0].text)
            assert (page, place.reason) == (Page.OPERATORS, HandOver.PRESSED_ZERO)
            for key in ("", *"123456789*#"):
                following = await desk.follow(action, Digits=key)
                name = f"{verb.tag} {key} {played(following)} {verbs(following)}"
                if name in seen:
                    continue
                seen.add(name)
                prompts.append(following)
                for redirect in following.findall("Redirect"):
                    page, _ = whither(redirect.text)
                    if page in (Page.VOICEMAIL, Page.ZERO):
                        prompts.append(await desk.follow(redirect.text))
    assert len(seen) > 15


async def test_a_key_that_means_nothing_does_not_cut_the_notice_of_the_recording_short() -> None:
    desk = TwilioDesk()
    action = (await desk.ask(Page.VOICE))[0].get("action")
    for _ in range(3):
        again = await desk.follow(action, Digits="7")
        assert played(again) == ["greeting", "recording_notice"]
        action = again[0].get("action")


async def test_a_stuck_key_ends_with_a_person() -> None:
    desk = TwilioDesk()
    action = (await desk.ask(Page.VOICE))[0].get("action")
    for _ in range(MAX_STEPS + 2):
        document = await desk.follow(action, Digits="7")
        if verbs(document) == ["Redirect"]:
            break
        action = document[0].get("action")
    assert whither(document[0].text)[0] is Page.OPERATORS


async def test_who_presses_nothing_gets_a_person() -> None:
    desk = TwilioDesk()
    document = await desk.ask(Page.VOICE)
    for _ in range(6):
        if verbs(document) == ["Redirect"]:
            break
        document = await desk.follow(document[0].get("action"), Digits="")
    page, place = whither(document[0].text)
    assert (page, place.reason) == (Page.OPERATORS, HandOver.NO_INPUT)


async def test_by_night_the_closed_menu_is_heard() -> None:
    document = await TwilioDesk(now=NIGHT).ask(Page.VOICE)
    assert played(document) == ["greeting", "recording_notice", "closed"]


async def test_the_language_of_the_card_is_spoken_from_the_first_word() -> None:
    desk = TwilioDesk(load_scenario(LOTTERY))
    desk.caller = KnownCaller(7, 2, "ru")
    document = await desk.ask(Page.VOICE)
    assert "/sounds/ru/greeting." in str(next(document.iter("Play")).text)
    told = {event.kind: event.data for event in desk.told}
    assert told[EventKind.LANGUAGE] == {"language": "ru", "how": "customer"}
    # By call, so that the house asks once for all who want to know, and tells of it itself.
    assert desk.asked_of == [(neutral_id("twilio", "CA1"), "+12025550143")]
    assert EventKind.CUSTOMER_FOUND not in told
    assert whither(document[0].get("action"))[1].vip == 2


async def test_a_caller_told_twice_of_is_told_of_once() -> None:
    desk = TwilioDesk()
    for _ in range(2):
        await desk.ask(Page.VOICE)
    assert len(desk.told) == 2
    assert len({event.source_id for event in desk.told}) == 1


@pytest.mark.parametrize(
    "word", ["", "nonsense", "e30", "W10", "\x00", "eyJzdGFnZSI6Im1lbnUiLCJtZW51IjoieCJ9"]
)
async def test_who_stands_nowhere_gets_a_person(word: str) -> None:
    document = await TwilioDesk().ask(Page.MENU, Place(state=word), Digits="1")
    page, place = whither(document[0].text)
    assert (page, place.reason) == (Page.OPERATORS, HandOver.FAULT)


# --- the bot ---


def at_the_bot() -> Place:
    return Place(state=word_of(State(Stage.MENU, True, "main", language="en")), vip=1)


async def test_the_bot_gets_the_audio_under_an_address_that_is_good_once() -> None:
    desk = TwilioDesk()
    document = await desk.ask(Page.MENU, at_the_bot(), Digits="1")
    assert verbs(document) == ["Connect", "Redirect"]
    url = str(document[0][0].get("url"))
    assert url.startswith("wss://calls.example/twilio/stream/")
    conversation = UUID(url.rpartition("/")[2])
    page, place = whither(document[1].text)
    assert (page, place.talk, place.vip) == (Page.AFTER_BOT, str(conversation), 1)
    assert await desk.bot.attend(conversation) is not None
    assert await desk.bot.attend(conversation) is None


@pytest.mark.parametrize(
    ("outcome", "goes_to"),
    [
        (Outcome(Ending.ANSWERED), "Hangup"),
        (Outcome(Ending.ANSWERED, hung_up=True), HandOver.FAULT),  # the caller is here: the audio was cut
        (Outcome.to_operator(HandOver.ASKED), None),  # the bot has told why
        (Outcome(Ending.GONE), HandOver.FAULT),
    ],
)
async def test_after_the_bot_the_call_goes_on_as_it_was_decided(
    outcome: Outcome, goes_to: HandOver | str | None
) -> None:
    desk = TwilioDesk()
    desk.outcome = outcome
    document = await desk.ask(Page.MENU, at_the_bot(), Digits="1")
    attendant = await desk.bot.attend(UUID(str(document[0][0].get("url")).rpartition("/")[2]))
    assert attendant is not None
    await asyncio.create_task(_run(attendant))
    following = (await desk.follow(document[1].text))[0]
    if goes_to == "Hangup":
        assert following.tag == "Hangup"
    else:
        page, place = whither(following.text)
        assert (page, place.reason) == (Page.OPERATORS, goes_to)


async def _run(attendant: object) -> None:
    await attendant.run(cast(MediaPort, None))  # type: ignore[attr-defined]


@pytest.mark.parametrize("talk", ["", "nobody", "11111111-1111-4111-8111-111111111111"])
async def test_a_conversation_that_nobody_knows_ends_with_a_person(talk: str) -> None:
    document = await TwilioDesk().ask(Page.AFTER_BOT, Place(talk=talk))
    assert whither(document[0].text)[1].reason is HandOver.FAULT


async def test_without_room_for_the_bot_a_person_answers() -> None:
    desk = TwilioDesk()
    desk.room = False
    document = await desk.ask(Page.MENU, at_the_bot(), Digits="1")
    assert whither(document[0].text)[1].reason is HandOver.SURGE


# --- people ---


async def test_the_operators_are_rung_one_after_the_other_and_recorded_on_two_channels() -> None:
    desk = TwilioDesk()
    place = Place(queue="support", since=int(desk.now.timestamp()), why="pressed_zero", language="en")
    document = await desk.ask(Page.OPERATORS, place)
    assert played(document) == ["connecting"]
    dial = document[1]
    assert [noun.text for noun in dial] == [ALICE]
    assert (dial.get("record"), dial.get("timeout")) == ("record-from-answer-dual", "15")
    assert whither(dial.get("recordingStatusCallback"))[0] is Page.RECORDING
    page, leg = whither(dial[0].get("statusCallback"))
    assert (page, leg.who) == (Page.LEG, "101")
    document = await desk.follow(dial.get("action"), DialCallStatus="no-answer")
    assert [str(noun.text) for noun in document[0]] == ["ben"]
    assert document[0][0].tag == "Client"


async def test_after_a_talk_the_call_is_over() -> None:
    document = await TwilioDesk().ask(Page.DIALLED, Place(queue="support"), DialCallStatus="completed")
    assert verbs(document) == ["Hangup"]


async def test_nobody_is_rung_for_a_caller_who_is_gone() -> None:
    fields = {"DialCallStatus": "no-answer", "CallStatus": "completed"}
    assert verbs(await TwilioDesk().ask(Page.DIALLED, Place(queue="support"), **fields)) == []


async def test_a_phone_that_rings_is_not_rung_for_another_caller() -> None:
    desk = TwilioDesk()
    assert await waiting(desk, "CA1") == ["ben"]
    assert await waiting(desk, "CA2") == [ALICE]
    assert await waiting(desk, "CA3") == []


async def test_who_has_waited_longest_is_rung_for_first_and_a_vip_before_them() -> None:
    desk = TwilioDesk()
    now = int(desk.now.timestamp())
    await waiting(desk, "CA1")
    await waiting(desk, "CA2")  # both phones ring
    assert await waiting(desk, "early", since=now - 40) == []
    assert await waiting(desk, "late", since=now - 20) == []
    assert await waiting(desk, "vip", since=now, vip=3) == []
    await desk.ask(Page.DIALLED, Place(queue="support"), "CA1", DialCallStatus="completed")
    assert await waiting(desk, "late", since=now - 20) == []
    assert await waiting(desk, "early", since=now - 40) == []
    assert await waiting(desk, "vip", since=now, vip=3) != []


async def test_who_pauses_is_not_rung_and_with_nobody_there_a_message_is_taken() -> None:
    desk = TwilioDesk()
    desk.presence = {"101": Presence.PAUSED}
    assert await waiting(desk, "CA1") == ["ben"]
    desk.presence = {"101": Presence.PAUSED, "102": Presence.AWAY}
    document = await desk.ask(Page.OPERATORS, Place(queue="support", since=int(desk.now.timestamp()), turn=1))
    assert whither(document[-1].text)[0] is Page.VOICEMAIL


async def test_who_writes_a_call_up_is_waited_for_not_passed_over() -> None:
    desk = TwilioDesk()
    desk.presence = {"101": Presence.WRAP_UP, "102": Presence.PAUSED}
    place = Place(queue="support", since=int(desk.now.timestamp()), turn=6)
    document = await desk.ask(Page.OPERATORS, place)
    assert played(document) == ["please_hold"]
    assert whither(document[-1].text)[1].turn == 7
    desk.presence["101"] = Presence.READY
    assert await waiting(desk, "CA1") == [ALICE]


async def test_nobody_waits_longer_than_the_scenario_says() -> None:
    desk = TwilioDesk()
    long_ago = int(desk.now.timestamp()) - desk.scenario.queues["support"].wait_s
    document = await desk.ask(Page.OPERATORS, Place(queue="support", since=long_ago, turn=9))
    assert whither(document[-1].text)[0] is Page.VOICEMAIL


async def test_the_duty_phone_rings_before_a_message_is_taken() -> None:
    scenario = load_scenario(LOTTERY).model_copy(update={"duty_phone": "+12025550199"})
    desk = TwilioDesk(scenario)
    desk.presence = {"101": Presence.AWAY, "102": Presence.AWAY}
    document = await desk.ask(Page.OPERATORS, Place(queue="support", since=int(desk.now.timestamp()), turn=1))
    assert [noun.text for dial in document.iter("Dial") for noun in dial] == ["+12025550199"]
    document = await desk.follow(document[-1].get("action"), DialCallStatus="no-answer")
    assert whither(document[0].text)[0] is Page.VOICEMAIL


async def test_who_was_sent_on_and_not_taken_comes_back() -> None:
    desk = TwilioDesk()
    document = await desk.ask(Page.TRANSFER, Place(to="102", by="101"))
    assert [noun.text for noun in document[0]] == ["ben"]
    document = await desk.follow(document[0].get("action"), DialCallStatus="busy")
    assert [noun.text for noun in document[0]] == [ALICE]
    document = await desk.follow(document[0].get("action"), DialCallStatus="busy")
    page, place = whither(document[0].text)
    assert (page, place.queue) == (Page.OPERATORS, "support")


async def test_who_is_sent_to_an_operator_without_a_phone_gets_another_one() -> None:
    scenario = load_scenario(LOTTERY)
    scenario = scenario.model_copy(update={"operators": {**scenario.operators, "109": "Nora New"}})
    document = await TwilioDesk(scenario).ask(Page.TRANSFER, Place(to="109", by="101"))
    assert whither(document[0].text)[0] is Page.OPERATORS


# --- operators who call ---


async def test_an_operator_calls_a_customer_with_the_centres_number() -> None:
    fields = {"From": f"{ALICE}:5060;transport=tls", "To": "sip:2025550143@lottery.sip.twilio.com"}
    document = await TwilioDesk().ask(Page.OUTGOING, None, **fields)
    dial = document[0]
    assert [noun.text for noun in dial] == ["+12025550143"]
    assert dial.get("callerId") == "+18005550100"
    _, leg = whither(dial[0].get("statusCallback"))
    assert (leg.who, leg.way) == ("101", "out")


async def test_an_operator_calls_a_colleague() -> None:
    fields = {"From": ALICE, "To": "sip:102@lottery.sip.twilio.com"}
    document = await TwilioDesk().ask(Page.OUTGOING, None, **fields)
    assert [noun.text for noun in document[0]] == ["ben"]


@pytest.mark.parametrize(
    ("caller", "dialled"),
    [("sip:stranger@lottery.sip.twilio.com", "sip:2025550143@x"), (ALICE, "sip:911@x"), (ALICE, "sip:@x")],
)
async def test_nobody_else_calls_at_our_expense(caller: str, dialled: str) -> None:
    document = await TwilioDesk().ask(Page.OUTGOING, None, From=caller, To=dialled)
    assert verbs(document) == ["Hangup"]


# --- when we fail ---


async def test_the_fallback_rings_all_operators() -> None:
    document = await TwilioDesk().ask(Page.FALLBACK, None, ErrorCode="11200", ErrorUrl="https://x")
    assert verbs(document) == ["Dial"]
    assert [str(noun.text) for noun in document[0]] == [ALICE, "ben"]


@pytest.mark.parametrize(
    "page", [Page.VOICE, Page.MENU, Page.AFTER_BOT, Page.OPERATORS, Page.VOICEMAIL, Page.ZERO, Page.FALLBACK]
)
async def test_where_nothing_can_be_kept_the_operators_are_rung(page: Page) -> None:
    desk = TwilioDesk()
    document = twiml(desk.adapter.excuse(desk.hook(page, Place(state="whatever"))))
    assert [str(noun.text) for noun in document[0]] == [ALICE, "ben"]


async def test_whoever_has_talked_is_not_rung_for_again_where_nothing_can_be_kept() -> None:
    desk = TwilioDesk()
    hook = desk.hook(Page.DIALLED, Place(queue="support"), DialCallStatus="completed")
    assert verbs(twiml(desk.adapter.excuse(hook))) == ["Hangup"]


@pytest.mark.parametrize("page", [Page.STATUS, Page.LEG, Page.RECORDING])
async def test_a_callback_that_is_not_kept_is_an_error(page: Page) -> None:
    desk = TwilioDesk()
    assert desk.adapter.excuse(desk.hook(page, None)) is None


async def test_without_receptions_parts_callers_get_people() -> None:
    desk, bare = TwilioDesk(), adapter_of("twilio")
    hook = desk.hook(Page.VOICE, None)
    document = twiml(await bare.answer(hook, bare.take(hook, desk.now)))
    assert verbs(document) == ["Dial"]


async def test_a_call_of_which_nothing_is_known_cannot_be_commanded() -> None:
    with pytest.raises(CommandRefused):
        await TwilioDesk().adapter.command(Route("101"), [])
