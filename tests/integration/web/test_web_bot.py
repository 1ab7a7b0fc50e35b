"""The supervisors' pages about the voicebot, with a real understanding behind them."""

import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from aiohttp import ClientSession

from cti.virtual_pbx.contract import neutral_id
from recordings.parts import Part
from tests.fakes.desk_day import VISITS, Visit, heard, over, queued, to_bot, to_menu
from tests.fakes.web_room import ADMINISTRATOR, WebRoom
from tests.integration.web.test_web_pages import page
from tickets.vocabulary import EventKind
from voicebot.understanding import Kind

pytestmark = pytest.mark.integration

BY_BOT, HANDED_OVER = VISITS[6], VISITS[5]
WET = "my slip got wet can your people still read the bar code"
WET_TOO = "can your people read the bar code of a slip that got wet"
BEES = "my <b>neighbour</b> keeps bees"


def unknown(minutes_ago: float, text: str) -> Visit:
    asked = heard(15, text, "out_of_scope", 0.2)
    return Visit(minutes_ago, None, [*to_menu(), *to_bot(10), asked, *queued(20, "out_of_scope"), *over(40)])


async def teach(browser: ClientSession, question: str, *phrases: str, **more: str) -> tuple[int, str]:
    form = {"question": question, "phrases": "\n".join(phrases), **more}
    async with browser.post("/bot/teach", data=form) as answer:
        return answer.status, await answer.text()


def days(desk: WebRoom) -> str:
    """Whatever the hour: the tests' calls may be yesterday's."""
    return f"since={(desk.now - timedelta(days=3)).date()}"


async def test_it_shows_containment_reasons_and_questions_with_ways_to_their_calls(
    desk: WebRoom, sofia: ClientSession
) -> None:
    assert "Nobody talked to the bot" in await page(sofia, "/bot")
    answered, handed = await desk.happen(BY_BOT), await desk.happen(HANDED_OVER)
    html = await page(sofia, f"/bot?{days(desk)}")
    assert "<b>50%</b><span>containment</span>" in html
    assert '<rect class="provisional"' in html
    assert '<rect class="final"' not in html
    assert "1 of them is younger than that: provisional." in html
    assert "Beyond the bot" in html
    assert ">Next draw</a>" in html
    to_calls = re.search(r'href="(/bot/calls\?[^"]*question=next_draw)"', html)
    assert to_calls is not None
    calls = await page(sofia, to_calls[1].replace("&amp;", "&"))
    assert answered in calls
    assert handed not in calls
    assert f"/tickets/{answered}#t=15.4" in calls
    reasons = re.search(r'href="(/bot/calls\?[^"]*end=out_of_scope)"', html)
    assert reasons is not None
    calls = await page(sofia, reasons[1].replace("&amp;", "&"))
    assert handed in calls
    assert answered not in calls


async def test_days_are_in_the_address_and_bounded(desk: WebRoom, sofia: ClientSession) -> None:
    await desk.happen(BY_BOT)
    assert "Nobody talked to the bot" in await page(sofia, "/bot?since=2020-01-01&until=2020-01-31")
    html = await page(sofia, "/bot?since=2020-01-01")
    assert "More days were asked for" in html
    assert html.count("<title>") <= 93  # the page's own, and one a day
    await page(sofia, "/bot?since=2999-12-31&until=2000-01-01")
    await page(sofia, "/bot?since=tomorrow", 400)
    await page(sofia, "/bot/calls?end=moonlight", 400)
    await page(sofia, "/bot/calls?cursor=x", 400)


async def test_questions_that_nobody_taught_it_come_in_groups_with_their_place_on_the_tape(
    desk: WebRoom, sofia: ClientSession
) -> None:
    first = await desk.happen(unknown(30, WET))
    await desk.happen(unknown(40, WET_TOO))
    await desk.happen(unknown(50, BEES))
    html = await page(sofia, f"/bot/untaught?{days(desk)}")
    assert "2 times" in html
    assert f"/tickets/{first}#t=15.0" in html
    assert "&lt;b&gt;neighbour&lt;/b&gt; keeps bees" in html
    assert "<b>neighbour" not in html
    assert html.index("2 times") < html.index("1 time<")


class AtVirtualPbx(Visit):
    """A call that a virtual PBX recorded, whenever it liked."""

    def call_id(self, now: datetime) -> str:
        """As its adapter names it."""
        return neutral_id("twilio", super().call_id(now))


async def test_what_was_said_at_a_virtual_pbx_leads_to_its_ticket_and_to_no_second_of_the_recording(
    desk: WebRoom, sofia: ClientSession
) -> None:
    visit = unknown(30, WET)
    ticket = await desk.happen(AtVirtualPbx(visit.minutes_ago, visit.caller, visit.steps))
    for path in ("untaught", "calls"):
        html = await page(sofia, f"/bot/{path}?{days(desk)}")
        assert f'/tickets/{ticket}"' in html
        assert "#t=" not in html


async def test_the_ticket_of_such_a_call_leads_to_where_the_words_lie_in_what_was_recorded(
    desk: WebRoom, sofia: ClientSession
) -> None:
    visit = unknown(30, WET)
    visit = AtVirtualPbx(visit.minutes_ago, visit.caller, visit.steps)
    ticket = await desk.happen(visit)
    began = desk.now - timedelta(minutes=visit.minutes_ago)
    await desk.keep_tape(visit, b"sound", parts=[Part("a", began + timedelta(seconds=12), 20.0, mixed=True)])
    html = await page(sofia, f"/tickets/{ticket}")
    assert re.findall(r'href="#t=([\d.]+)"', html) == ["3.0"]  # of 15


async def test_what_a_supervisor_teaches_the_running_bot_answers_at_once(
    desk: WebRoom, sofia: ClientSession
) -> None:
    await desk.happen(unknown(30, WET))
    assert desk.teacher.understanding().classify(WET_TOO).kind is Kind.OUT_OF_SCOPE
    status, html = await teach(sofia, "check_ticket", WET)
    assert status == 200
    assert f"“{WET}”" in html.split("What it was taught")[1]
    understood = desk.teacher.understanding().classify(WET_TOO)
    assert (understood.kind, understood.name) == (Kind.QUESTION, "check_ticket")
    assert "By now understood as “Check a ticket”" in await page(sofia, f"/bot/untaught?{days(desk)}")
    async with desk.person(ADMINISTRATOR) as ada:
        log = await page(ada, "/admin/log")
    assert "Taught the bot" in log
    assert f"phrase: {WET}" in log
    (taught,) = await desk.taught.standing()
    async with sofia.post(f"/bot/taught/{taught.id}/withdraw", data={}) as answer:
        assert "Phrases that you teach stand here" in await answer.text()
    assert desk.teacher.understanding().classify(WET_TOO).kind is Kind.OUT_OF_SCOPE


async def test_what_was_asked_in_another_language_is_taught_in_that_one(
    desk: WebRoom, sofia: ClientSession
) -> None:
    words = "принимаете ли вы подарочные карты"
    visit = unknown(30, words)
    russian = (5.0, EventKind.LANGUAGE, {"language": "ru", "how": "key"})
    await desk.happen(replace(visit, steps=[russian, *visit.steps]))
    html = await page(sofia, f"/bot/untaught?{days(desk)}")
    assert "<option selected>ru</option>" in html
    assert (await teach(sofia, "ticket_price", words, language="ru"))[0] == 200
    assert desk.teacher.understanding("ru").classify(words).name == "ticket_price"
    assert desk.teacher.understanding("en").classify(words).name is None


async def test_a_phrase_that_asks_for_a_person_is_never_taught(desk: WebRoom, sofia: ClientSession) -> None:
    for more in ({}, {"anyway": "on"}):
        status, html = await teach(sofia, "check_ticket", WET, "can I talk to somebody", **more)
        assert status == 409
        assert "asks for a person: it must never become an answer" in html
        assert f"{WET}\ncan I talk to somebody</textarea>" in html
        assert "Teach them all the same" not in html
    assert await desk.taught.standing() == []


async def test_a_phrase_that_is_nearer_to_another_question_is_told_and_taught_on_a_second_word(
    desk: WebRoom, sofia: ClientSession
) -> None:
    words = "when is the next draw"
    status, html = await teach(sofia, "check_ticket", words)
    assert status == 409
    assert f"“{words}” is understood as “Next draw” so far" in html
    assert "Teach them all the same" in html
    assert await desk.taught.standing() == []
    status, _ = await teach(sofia, "check_ticket", words, anyway="on")
    assert status == 200
    assert [one.phrase for one in await desk.taught.standing()] == [words]


async def test_what_cannot_be_taught_comes_back_with_a_sentence(desk: WebRoom, sofia: ClientSession) -> None:
    status, html = await teach(sofia, "check_ticket", " ")
    assert (status, "Write at least one phrase." in html) == (400, True)
    status, html = await teach(sofia, "check_ticket", "x" * 201)
    assert (status, "shorten it to 200" in html) == (400, True)
    status, html = await teach(sofia, "no_such_question", WET)
    assert (status, "no such question" in html) == (400, True)
    status, html = await teach(sofia, "check_ticket", WET, language="fr")
    assert status == 400


async def test_a_phrase_whose_question_has_left_the_scenario_is_shown_as_unused(
    desk: WebRoom, sofia: ClientSession
) -> None:
    await desk.taught.teach("sold_out", ["is it sold out"], "en", "sofia")
    html = await page(sofia, "/bot/untaught")
    assert "is it sold out" in html
    assert "Unused: the scenario has this question no more" in html


async def test_another_nodes_phrase_is_shown_as_not_learnt_until_it_is(
    desk: WebRoom, sofia: ClientSession
) -> None:
    await desk.taught.teach("check_ticket", [WET], "en", "sofia")
    assert "Not learnt yet" in await page(sofia, "/bot/untaught")
    await desk.teacher.learn()
    assert "Not learnt yet" not in await page(sofia, "/bot/untaught")


async def test_it_is_for_supervisors(desk: WebRoom, sofia: ClientSession, grace: ClientSession) -> None:
    await desk.happen(unknown(30, WET))
    for path in ("/bot", "/bot/calls", "/bot/untaught"):
        assert WET not in await page(grace, path, 403)
    for path in ("/bot/teach", "/bot/taught/1/withdraw"):
        async with grace.post(path, data={"question": "check_ticket", "phrases": WET}) as answer:
            assert answer.status == 403
    assert await desk.taught.standing() == []
    assert 'href="/bot"' in await page(sofia, "/calls")
    assert 'href="/bot"' not in await page(grace, "/calls")
    async with desk.person(ADMINISTRATOR) as ada:
        await page(ada, "/bot")
    async with desk.person() as nobody, nobody.get("/bot", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/login?next=/bot")
