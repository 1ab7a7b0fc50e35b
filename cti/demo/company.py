"""A small company's own systems for the demo: a CRM that knows who calls, a shop that knows their orders, and
the tickets and accounts that the bot looks up for its callers.

What a real company has already; the service asks it over HTTP as it would ask theirs (`docs/settings.md`).
"""

import html
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from cti.demo.story import FRANK, GRACE, VERA, Person

Sale = tuple[str, str]  # what, and how it stands

SALES: Mapping[str, tuple[str, list[Sale]]] = {  # by number: tier and orders, newest first
    GRACE.number: ("bronze", [("Jackpot 6 · 2 rows, Saturday", "in the draw")]),
    FRANK.number: (
        "silver",
        [
            ("Top-up of the online account, $40", "held back: account blocked"),
            ("Jackpot 6 · subscription, 10 draws", "4 draws left"),
        ],
    ),
    VERA.number: (
        "gold",
        [
            ("Jackpot 6 · subscription, 52 draws", "renews on 1 December"),
            ("EuroMax · 5 rows, Friday", "won $120, paid out"),
            ("Jackpot 6 · gift ticket", "delivered"),
        ],
    ),
}


Ticket = Mapping[str, object]

TICKETS: Mapping[str, Ticket] = {  # by the number that is printed on it
    "12345678": {"status": "won", "prize": {"amount": 120, "currency": "USD"}, "draw": "2026-11-21"},
    "10203040": {"status": "won", "prize": {"amount": 25000, "currency": "USD"}, "draw": "2026-11-21"},
    "87654321": {"status": "lost", "draw": "2026-11-21"},
    "55556666": {"status": "waiting", "draw": "2026-11-28"},
}
PLAYERS: Mapping[tuple[str, str], str] = {  # last digits of the account and date of birth → the account's id
    ("4711", "1980-05-04"): "P-20255547",
    ("1234", "1975-12-24"): "P-20255512",
}
BALANCES: Mapping[str, float] = {"P-20255547": 42, "P-20255512": 17.5}


@dataclass(frozen=True, slots=True)
class CompanyAddresses:
    """Where its systems answer."""

    crm: str
    orders: str
    lookups: str


@asynccontextmanager
async def company(people: Iterable[Person]) -> AsyncIterator[CompanyAddresses]:
    """All systems on a free port of loopback while the block runs."""
    cards = {person.number: person for person in people}

    async def who(request: web.Request) -> web.Response:
        person = cards.get(request.query.get("number", ""))
        if person is None:
            raise web.HTTPNotFound
        reference = f"C-{person.number[-4:]}"
        return web.json_response({"name": person.name, "vip_level": person.vip_level, "reference": reference})

    async def orders(request: web.Request) -> web.Response:
        number = request.query.get("number", "")
        if number not in SALES:
            raise web.HTTPNotFound
        tier, sales = SALES[number]
        shop = str(request.url.origin())
        listed = [
            {"title": what, "status": stands, "link": f"{shop}/orders/{number[-4:]}-{place}"}
            for place, (what, stands) in enumerate(sales, 1)
        ]
        return web.json_response({"orders": listed, "fields": {"tier": tier}})

    async def order(request: web.Request) -> web.Response:
        wanted = request.match_info["order"]
        for number, (_, sales) in SALES.items():
            for place, (what, stands) in enumerate(sales, 1):
                if wanted == f"{number[-4:]}-{place}":
                    return _page(f"Order {wanted}", f"{what}: {stands}")
        raise web.HTTPNotFound

    async def ticket(request: web.Request) -> web.Response:
        found = TICKETS.get(request.match_info["ticket"])
        if found is None:
            raise web.HTTPNotFound
        return web.json_response(found)

    async def player(request: web.Request) -> web.Response:
        known = PLAYERS.get((request.match_info["account"], request.match_info["birth"]))
        # Whether the account or the date was wrong, nobody is told.
        return web.json_response({"matches": known is not None, "player": known})

    async def balance(request: web.Request) -> web.Response:
        found = BALANCES.get(request.match_info["player"])
        if found is None:
            raise web.HTTPNotFound
        return web.json_response({"balance": found})

    app = web.Application()
    app.add_routes(
        [
            web.get("/crm", who),
            web.get("/shop", orders),
            web.get("/orders/{order}", order),
            web.get("/bot/tickets/{ticket}", ticket),
            web.get("/bot/players/{account}/{birth}", player),
            web.get("/bot/balances/{player}", balance),
        ],
    )
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        at = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield CompanyAddresses(f"{at}/crm", f"{at}/shop", f"{at}/bot")
    finally:
        await runner.cleanup()


def _page(title: str, text: str) -> web.Response:
    lines = f"<!doctype html><html lang=en><title>{html.escape(title)}</title><h1>{html.escape(title)}</h1>"
    return web.Response(text=f"{lines}<p>{html.escape(text)}</p>", content_type="text/html")
