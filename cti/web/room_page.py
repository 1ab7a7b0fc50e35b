"""The first page: the supervisor's room, or for operators the calls that they see. Live by `live_page.py`."""

import time
from collections.abc import Iterable

import aiohttp_jinja2
from aiohttp import web

from cti.web.access import sight_of
from cti.web.board import Audience, Board, BoardView, board_view
from cti.web.languages import speaking
from cti.web.room import RoomView, chart_of, seats_of
from cti.web.security import account_of
from cti.web.services import SERVICES
from tickets.day import DayFigures, hours_of_day
from tickets.sight import Sight
from tickets.vocabulary import CallState, Role

BOARD = web.AppKey("board", Board)
DAY = web.AppKey("day", dict[Sight, tuple[float, DayFigures]])

FINISHED_SHOWN = 8  # calls below the live ones
DAY_S = 3.0  # the figures of the day are counted anew so often while somebody watches


async def read_board(app: web.Application, sight: Sight) -> BoardView:
    """The calls of this moment."""
    services = app[SERVICES]
    live = await services.desk.calls_in_progress(sight)
    finished = await services.desk.calls(state=CallState.ENDED, limit=FINISHED_SHOWN, sight=sight)
    outlooks = {line.call.call_id: services.outlook(line.call.call_id) for line in live}
    places = {call_id: outlook.place for call_id, outlook in outlooks.items() if outlook is not None}
    return board_view(live, finished.items, services.clock(), services.surge(), places.get)


async def _context(app: web.Application, sight: Sight) -> dict[str, BoardView | RoomView]:
    board = await read_board(app, sight)
    if not sight.everything:
        return {"board": board}
    services = app[SERVICES]
    seats = seats_of(services.phones.names, services.presence, board.live)
    day = await _day(app, sight)
    return {"board": board, "room": RoomView(board, seats, day, chart_of(day))}


async def _day(app: web.Application, sight: Sight) -> DayFigures:
    """Not counted with every ring: a large centre has ten thousand calls a day."""
    counted = app[DAY].get(sight)
    if counted is not None and time.monotonic() - counted[0] < DAY_S:
        return counted[1]
    services = app[SERVICES]
    day = await services.days.day(hours_of_day(services.clock(), services.zone), sight)
    app[DAY][sight] = (time.monotonic(), day)
    return day


def _template(sight: Sight) -> str:
    return "room_live.html" if sight.everything else "board.html"


async def draw_board(app: web.Application, audiences: Iterable[Audience]) -> dict[Audience, str]:
    """The part of the first page that moves, for each audience."""
    environment = aiohttp_jinja2.get_env(app)
    contexts: dict[Sight, dict[str, BoardView | RoomView]] = {}
    drawn = {}
    for one in audiences:
        if one.sight not in contexts:
            contexts[one.sight] = await _context(app, one.sight)
        with speaking(one.language):
            drawn[one] = environment.get_template(_template(one.sight)).render(contexts[one.sight])
    return drawn


async def first_page(request: web.Request) -> web.Response:
    """An operator with a phone works at the desk; everybody else begins in the room."""
    account = account_of(request)
    if account.role is Role.OPERATOR and account.extension is not None:
        raise web.HTTPSeeOther("/desk")
    return await now_page(request)


async def now_page(request: web.Request) -> web.Response:
    """The calls of this moment, as far as the account sees them; `live.ts` keeps the page fresh."""
    sight = sight_of(request)
    context = {"section": request.path, **await _context(request.app, sight)}
    template = "room.html" if sight.everything else "now.html"
    return aiohttp_jinja2.render_template(template, request, context)


ROUTES = (web.get("/", first_page), web.get("/now", now_page))
