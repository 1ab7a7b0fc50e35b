"""The supervisors' pages about the voicebot: figures, what nobody taught it, the calls behind both.

Read the address, ask the books, present. Words of callers that their operators alone may hear are on these
pages too, so nobody below a supervisor opens them.
"""

import asyncio
from contextlib import suppress
from functools import wraps
from typing import Any

import aiohttp_jinja2
from aiohttp import web

from cti.bot.teacher import NotLearnt
from cti.web.forms import as_model, from_path, from_query, posted
from cti.web.insight_inputs import BotCallsQuery, PhrasePath, StretchQuery, TeachForm
from cti.web.insight_view import (
    PATH,
    Stretch,
    chart_of,
    chosen_words,
    doubt_words,
    end_name,
    stretch_of,
)
from cti.web.languages import _
from cti.web.problems import Handler
from cti.web.security import account_of, require
from cti.web.services import services_of
from tickets.database import DatabaseTrouble
from tickets.taught import BadPhrase, TaughtPhrase, tidy
from tickets.vocabulary import Role

PAGE_LENGTH = 50
FRESH = 5  # batches of calls that a page brings in step before it counts
CATCH_UP_S = 3.0


def _for_supervisors(handler: Handler) -> Handler:
    @wraps(handler)
    async def guarded(request: web.Request) -> web.StreamResponse:
        require(account_of(request), Role.SUPERVISOR)
        return await handler(request)

    return guarded


def _stretch(request: web.Request, asked: StretchQuery) -> Stretch:
    services = services_of(request)
    return stretch_of(asked.since, asked.until, services.clock(), services.zone)


def _context(request: web.Request, page: str, stretch: Stretch) -> dict[str, Any]:
    topics = services_of(request).teacher.questions()
    return {"section": PATH, "page": page, "stretch": stretch, "topics": topics, "end_name": end_name}


async def _catch_up(request: web.Request) -> None:
    """Calls that have just ended are counted too, as long as that costs nobody the page."""
    with suppress(DatabaseTrouble, TimeoutError):
        async with asyncio.timeout(CATCH_UP_S):
            await services_of(request).bot_calls.catch_up(FRESH)


async def figures_page(request: web.Request) -> web.StreamResponse:
    """Containment by day, why it handed over, what became of each question."""
    services, stretch = services_of(request), _stretch(request, from_query(request, StretchQuery))
    await _catch_up(request)
    figures = await services.insight.figures(stretch.days, stretch.end, services.clock())
    context = _context(request, "figures", stretch)
    known = context["topics"]
    return aiohttp_jinja2.render_template(
        "bot.html",
        request,
        context
        | {
            "figures": figures,
            "chart": chart_of(figures, stretch),
            # A look at the answer that was given: what the scenario never had is no question of it.
            "questions": [one for one in figures.questions if one.name in known or one.answered],
        },
    )


async def calls_page(request: web.Request) -> web.StreamResponse:
    """The calls behind a figure."""
    query, services = from_query(request, BotCallsQuery), services_of(request)
    stretch = _stretch(request, query)
    await _catch_up(request)
    page = await services.insight.calls(
        stretch.days[0],
        stretch.end,
        question=query.question,
        what=query.what,
        end=query.end,
        cursor=query.cursor,
        limit=PAGE_LENGTH,
    )
    context = _context(request, "calls", stretch)
    asked = query.model_dump(mode="json", include={"question", "what", "end"}, exclude_none=True)
    chosen = chosen_words(asked, context["topics"])
    return aiohttp_jinja2.render_template(
        "bot_calls.html",
        request,
        context
        | {
            "visitors": page.items,
            "asked": asked,
            "cursor": query.cursor,
            "next_cursor": page.next_cursor,
            "here": stretch.address("/calls", **asked),
            "chosen": [
                (words, stretch.address("/calls", **{key: one for key, one in asked.items() if key != name}))
                for name, words in chosen
            ],
        },
    )


async def untaught_page(request: web.Request) -> web.StreamResponse:
    """What callers ask and it does not know; what it was taught."""
    return await _untaught(request, _stretch(request, from_query(request, StretchQuery)))


async def teach(request: web.Request) -> web.StreamResponse:
    """The form of a group. What speaks against a phrase comes back with what was typed."""
    typed = await posted(request)
    form, services = as_model(typed, TeachForm), services_of(request)
    stretch = _stretch(request, form)
    language = form.language or services.teacher.languages[0]
    topics = services.teacher.questions(language)
    if language not in services.teacher.languages or form.question not in topics:
        raise BadPhrase("The scenario has no such question: choose another.")
    try:
        phrases = tidy(form.phrases.splitlines())
        doubts = await asyncio.to_thread(services.teacher.doubts, form.question, phrases, language)
        if any(doubt.final or form.anyway is None for doubt in doubts):
            faults = [doubt_words(doubt, topics) for doubt in doubts]
            may = not any(doubt.final for doubt in doubts)
            return await _untaught(request, stretch, typed, faults, may_anyway=may, status=409)
        await services.taught.teach(form.question, phrases, language, account_of(request).login)
    except BadPhrase as error:
        return await _untaught(request, stretch, typed, [str(error)], status=400)
    await _learn(request)
    raise web.HTTPSeeOther(stretch.address("/untaught") + "#taught")


async def withdraw(request: web.Request) -> web.StreamResponse:
    """The button beside a taught phrase."""
    services = services_of(request)
    stretch = _stretch(request, as_model(await posted(request), StretchQuery))
    await services.taught.withdraw(from_path(request, PhrasePath).phrase_id, account_of(request).login)
    await _learn(request)
    raise web.HTTPSeeOther(stretch.address("/untaught") + "#taught")


async def _learn(request: web.Request) -> None:
    try:
        await services_of(request).teacher.learn()
    except (DatabaseTrouble, NotLearnt):  # it is on record: the next round learns it
        return


async def _untaught(
    request: web.Request,
    stretch: Stretch,
    typed: dict[str, str] | None = None,
    faults: list[str] | None = None,
    *,
    may_anyway: bool = False,
    status: int = 200,
) -> web.StreamResponse:
    services = services_of(request)
    await _catch_up(request)
    groups = await services.untaught.groups(stretch.days[0], stretch.end)
    standing = await services.taught.standing()
    return aiohttp_jinja2.render_template(
        "bot_untaught.html",
        request,
        _context(request, "untaught", stretch)
        | {
            "groups": groups,
            "taught": [(one, _state(request, one)) for one in standing],
            "languages_taught": services.teacher.languages,
            "typed": typed or {},
            "faults": faults or [],
            "may_anyway": may_anyway,
        },
        status=status,
    )


def _state(request: web.Request, phrase: TaughtPhrase) -> str:
    """What keeps a phrase from being of use; empty: nothing."""
    teacher = services_of(request).teacher
    if not teacher.uses(phrase):
        return _("Unused: the scenario has this question no more")
    return "" if teacher.knows(phrase) else _("Not learnt yet")


ROUTES = (
    web.get(PATH, _for_supervisors(figures_page)),
    web.get(PATH + "/calls", _for_supervisors(calls_page)),
    web.get(PATH + "/untaught", _for_supervisors(untaught_page)),
    web.post(PATH + "/teach", _for_supervisors(teach)),
    web.post(PATH + "/taught/{phrase_id}/withdraw", _for_supervisors(withdraw)),
)
