"""All desks together: who is woken by what, and what is put away when."""

import asyncio
import json
import random
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cti.customers.orders_answer import CompanyWord
from cti.desk.calls import KEPT_S, RING_S
from cti.desk.centre import Owner
from cti.desk.hub import Hub
from cti.desk.snapshot import DeskSnapshot, Me, Order, for_page
from cti.operators.legs import Asking
from cti.waiting.queues import Waiting
from tests.fakes.desk_parts import GRACE, TOMAS, DeskParts, picture, seat
from tickets.caller_file import CallerFile, EarlierTicket
from tickets.customers import Customer
from tickets.database import DatabaseAway, utc_now
from tickets.events import CallEvent, Value
from tickets.sight import Owners
from tickets.vocabulary import EventKind as K
from tickets.vocabulary import Presence, TicketStatus

pytestmark = pytest.mark.unit

NORA = "+12025550143"
CARD = Customer(7, "Nora Whitfield", 1, (NORA,), "C-7")


def event(call_id: str, kind: K, at: datetime | None = None, **data: Value) -> CallEvent:
    at = at or utc_now()
    return CallEvent("ami", f"{kind}:{call_id}:{at.timestamp()}:{data}", call_id, at, kind, data)


def waits(parts: DeskParts, call_id: str, number: str | None = NORA) -> None:
    parts.centre.calls.hear(event(call_id, K.RECEIVED, caller=number, caller_raw=number or "anonymous"))
    parts.centre.calls.hear(event(call_id, K.QUEUE_JOINED, queue="support"))


def rings(parts: DeskParts, call_id: str, operator: str = "101") -> None:
    parts.centre.calls.hear(event(call_id, K.OPERATOR_RINGING, operator=operator))


def state(parts: DeskParts, owner: Owner = GRACE) -> str | None:
    call = parts.centre.snapshot(owner).call
    return call.state if call is not None else None


def asks(parts: DeskParts) -> tuple[str, str | None, bool] | None:
    call = parts.centre.snapshot(GRACE).call
    return (call.state, call.consulting, call.consulting_answered) if call is not None else None


async def eventually(met: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not met():  # noqa: ASYNC110 -- what is waited for tells nobody
            await asyncio.sleep(0)


async def test_the_pop_is_there_in_the_same_turn_with_all_that_was_found_while_the_caller_waited() -> None:
    past = EarlierTicket("PZ-1001", "old-1", "Left a voicemail", TicketStatus.OPEN, utc_now())
    parts = DeskParts(files={NORA: CallerFile("PZ-1002", CARD, [], [past])}, audio={"old-1"})
    waits(parts, "c1")
    await eventually(lambda: parts.centre.calls.contexts.of("c1").customer)
    rings(parts, "c1")
    call = parts.centre.snapshot(GRACE).call
    assert call is not None
    assert (call.state, call.ticket, call.number, call.number_shown) == (
        "ringing",
        "PZ-1002",
        NORA,
        f"<{NORA}>",
    )
    assert call.customer is not None
    assert (call.customer.name, call.customer.fields, call.vip_level) == (
        "Nora Whitfield",
        {"reference": "C-7"},
        1,
    )
    assert [(one.ticket, one.recording) for one in call.history] == [("PZ-1001", True)]
    assert parts.asked == [("c1", NORA, None)]
    assert state(parts, TOMAS) is None


async def test_the_pop_tells_nobody_of_tickets_that_they_may_not_see() -> None:
    owners = {
        "PZ-1001": Owners(queue="claims", operator="102"),
        "PZ-1002": Owners(queue="claims", operator="101"),
        "PZ-1003": Owners(queue="claims", assignee="grace"),
        "PZ-1004": Owners(),
    }
    past = [
        EarlierTicket(name, name, "Salary", TicketStatus.OPEN, utc_now(), whose)
        for name, whose in owners.items()
    ]
    parts = DeskParts(files={NORA: CallerFile("PZ-1009", CARD, [], past)})
    waits(parts, "c1")
    await eventually(lambda: parts.centre.calls.contexts.of("c1").customer)
    rings(parts, "c1")
    call = parts.centre.snapshot(GRACE).call
    assert call is not None
    assert [one.ticket for one in call.history] == ["PZ-1002", "PZ-1003", "PZ-1004"]


async def test_a_file_that_was_given_up_is_read_when_the_database_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cti.desk.context.RETRY_S", ())
    parts = DeskParts(files={NORA: CallerFile("PZ-1", CARD, [], [])})
    real, given_up = parts._file, asyncio.Event()

    async def away(*about: object) -> CallerFile:
        given_up.set()
        raise DatabaseAway("The database does not answer.")

    contexts = parts.centre.calls.contexts
    contexts._ask_file = away
    waits(parts, "c1")
    await given_up.wait()
    await eventually(lambda: contexts._entries["c1"].reading.done())  # type: ignore[union-attr]
    contexts._ask_file = real
    contexts.has_ticket("c1", "PZ-1")  # the ledger has been written
    await eventually(lambda: contexts.of("c1").customer)


async def test_a_colleague_who_is_asked_sees_who_is_calling_for_as_long_as_they_are_asked() -> None:
    parts = DeskParts(files={NORA: CallerFile("PZ-1002", CARD, [], [])})
    waits(parts, "c1")
    await eventually(lambda: parts.centre.calls.contexts.of("c1").customer)
    parts.centre.calls.hear(event("c1", K.OPERATOR_ANSWERED, operator="101"))
    assert state(parts, TOMAS) is None
    with parts.centre.watching(TOMAS):
        parts.consulting["c1"] = Asking("102")
        parts.centre.calls.call_changed("c1")
        version, drawn = await parts.centre.hub.newer(TOMAS, 0) or (0, "")
        call = json.loads(drawn)["call"]
        assert (call["state"], call["customer"]["name"]) == ("ringing", "Nora Whitfield")
        assert (call["consulting"], call["asked_by"]) == (None, "101")
        assert asks(parts) == ("talking", "102", False)
        parts.centre.calls.tick(time.monotonic() + RING_S + KEPT_S)  # a talk may be long
        assert state(parts, TOMAS) == "ringing"
        parts.consulting["c1"] = Asking("102", answered=True)
        parts.centre.calls.call_changed("c1")
        assert asks(parts) == ("talking", "102", True)
        assert state(parts, TOMAS) == "asked"
        version = (await parts.centre.hub.newer(TOMAS, version) or (0, ""))[0]
        del parts.consulting["c1"]
        parts.centre.calls.call_changed("c1")
        async with asyncio.timeout(5):
            _, drawn = await parts.centre.hub.newer(TOMAS, version) or (0, "")
        assert json.loads(drawn)["call"] is None
    parts.consulting["c1"] = Asking("102")  # learnt after a cut link: nobody told
    parts.centre.calls.tick(time.monotonic())
    assert state(parts, TOMAS) == "ringing"
    parts.centre.calls.hear(event("c1", K.TRANSFERRED, operator="101", to="102", how="attended"))
    assert (state(parts), state(parts, TOMAS)) == ("wrap_up", "talking")
    parts.centre.calls.hear(event("c1", K.ENDED))
    parts.centre.calls.tick(time.monotonic() + RING_S + KEPT_S)
    assert (state(parts), state(parts, TOMAS), dict(parts.centre.calls.kept)) == (None, None, {})


async def test_customers_who_share_a_number_are_a_choice_until_one_is_chosen() -> None:
    other = Customer(8, "Owen Whitfield", 0, (NORA,))
    parts = DeskParts(files={NORA: CallerFile("PZ-1002", None, [CARD, other], [])})
    waits(parts, "c1")
    rings(parts, "c1")
    await eventually(lambda: parts.centre.calls.contexts.of("c1").candidates)
    call = parts.centre.snapshot(GRACE).call
    assert call is not None
    assert call.customer is None
    assert [one.name for one in call.candidates] == ["Nora Whitfield", "Owen Whitfield"]
    parts.files[NORA] = CallerFile("PZ-1002", other, [], [])
    parts.centre.calls.ticket_changed("PZ-1001")  # another one
    parts.centre.calls.ticket_changed("PZ-1002")
    await eventually(lambda: parts.centre.calls.contexts.of("c1").customer)
    assert not parts.centre.calls.contexts.of("c1").candidates
    parts.files[NORA] = CallerFile("PZ-1002", replace(other, name="Owen W."), [], [])
    parts.centre.calls.customer_changed(7)
    parts.centre.calls.customer_changed(8)
    await eventually(lambda: str(parts.centre.calls.contexts.of("c1").customer).find("Owen W.") > 0)
    assert len(parts.asked) == 3


async def test_orders_come_when_they_come() -> None:
    told: asyncio.Future[CompanyWord | None] = asyncio.get_running_loop().create_future()

    async def ask(number: str) -> CompanyWord | None:
        return await told

    parts = DeskParts(files={NORA: CallerFile("PZ-1", CARD, [], [])}, ask_company=ask)
    waits(parts, "c1")
    rings(parts, "c1")
    await eventually(lambda: parts.centre.calls.contexts.of("c1").customer)
    assert parts.centre.calls.contexts.of("c1").orders.state == "loading"
    told.set_result(CompanyWord(orders=(Order("Jackpot", "paid", None),), fields={"tier": "gold"}))
    await eventually(lambda: parts.centre.calls.contexts.of("c1").orders.state == "here")
    call = parts.centre.snapshot(GRACE).call
    assert call is not None
    assert [one.title for one in call.orders.items] == ["Jackpot"]
    assert call.customer is not None
    assert call.customer.fields == {"reference": "C-7", "tier": "gold"}


@pytest.mark.parametrize(("word", "told"), [(None, "not_available"), (CompanyWord(), "none")])
async def test_no_orders_are_another_thing_than_orders_that_cannot_be_had(
    word: CompanyWord | None, told: str
) -> None:
    async def ask(number: str) -> CompanyWord | None:
        return word

    parts = DeskParts(ask_company=ask)
    waits(parts, "c1")
    await eventually(lambda: parts.centre.calls.contexts.of("c1").orders.state == told)


async def test_nobody_is_asked_of_a_number_that_was_withheld() -> None:
    async def ask(number: str) -> CompanyWord | None:
        raise AssertionError("asked")

    parts = DeskParts(ask_company=ask)
    waits(parts, "c1", None)
    await eventually(lambda: parts.asked)
    assert parts.centre.calls.contexts.of("c1").orders.state == "none"


async def test_a_database_that_is_away_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cti.desk.context.RETRY_S", (0.0, 0.0))
    parts = DeskParts(files={NORA: CallerFile("PZ-1", CARD, [], [])})
    real, away = parts._file, iter([True, True, False])

    async def ask(call_id: str, number: str | None, customer_id: int | None) -> CallerFile:
        if next(away):
            raise DatabaseAway("gone")
        return await real(call_id, number, customer_id)

    parts.centre.calls.contexts._ask_file = ask
    waits(parts, "c1")
    await eventually(lambda: parts.centre.calls.contexts.of("c1").customer)


async def test_the_pop_stays_for_the_wrap_up_and_goes_with_it() -> None:
    parts = DeskParts()
    waits(parts, "c1")
    rings(parts, "c1")
    parts.centre.calls.hear(event("c1", K.OPERATOR_ANSWERED, operator="101"))
    parts.centre.calls.hear(event("c1", K.OPERATOR_LEFT, operator="101"))
    parts.centre.calls.hear(event("c1", K.ENDED))
    assert state(parts) == "wrap_up"
    parts.presences.put("101", Presence.WRAP_UP)
    parts.centre.calls.tick(time.monotonic() + 10 * KEPT_S)
    assert state(parts) == "wrap_up"
    parts.presences.put("101", Presence.READY)
    assert state(parts) is None
    assert not parts.centre.calls.kept
    parts.centre.calls.hear(event("c1", K.BOT_TURN, speaker="bot", text="late"))
    parts.centre.calls.hear(event("c1", K.RECORDED, recording_id=1))
    assert not parts.centre.calls.kept


async def test_without_a_wrap_up_the_pop_stays_for_a_minute() -> None:
    parts = DeskParts()
    waits(parts, "c1")
    parts.centre.calls.hear(event("c1", K.OPERATOR_ANSWERED, operator="101"))
    parts.centre.calls.hear(event("c1", K.ENDED))
    parts.presences.put("101", Presence.PAUSED)
    parts.centre.calls.tick(time.monotonic() + KEPT_S - 5)
    assert state(parts) == "wrap_up"
    parts.centre.calls.tick(time.monotonic() + KEPT_S + 1)
    assert state(parts) is None


async def test_the_next_caller_comes_before_the_last_one() -> None:
    parts = DeskParts()
    for call_id in ("c1", "c2"):
        waits(parts, call_id)
    parts.centre.calls.hear(event("c1", K.OPERATOR_ANSWERED, operator="101"))
    parts.centre.calls.hear(event("c1", K.ENDED))
    rings(parts, "c2")
    call = parts.centre.snapshot(GRACE).call
    assert call is not None
    assert (call.call_id, call.state) == ("c2", "ringing")


async def test_what_records_tell_of_calls_long_over_is_on_nobodys_desk() -> None:
    parts, long_ago = DeskParts(), utc_now() - timedelta(hours=1)
    for kind in (K.RECEIVED, K.OPERATOR_ANSWERED, K.OPERATOR_LEFT, K.ENDED):
        parts.centre.calls.hear(event("c1", kind, long_ago, operator="101"))
    assert state(parts) is None
    assert not parts.centre.calls.kept


async def test_a_phone_that_the_pbx_says_is_free_does_not_ring() -> None:
    parts = DeskParts()
    waits(parts, "c1")
    rings(parts, "c1")
    parts.picture = picture(utc_now(), seat("101"))  # too young to know
    parts.centre.queues_changed()
    assert state(parts) == "ringing"
    parts.picture = picture(utc_now() + timedelta(seconds=10), seat("101", free=False))
    parts.centre.queues_changed()
    assert state(parts) == "ringing"
    parts.picture = picture(utc_now() + timedelta(seconds=10), seat("101"))
    parts.centre.queues_changed()
    assert state(parts) is None
    rings(parts, "c1")  # and now it rings again
    assert state(parts) == "ringing"
    parts.centre.calls.tick(time.monotonic() + RING_S + 1)
    assert state(parts) is None


async def test_a_desk_shows_its_queues_and_people_as_the_pbx_or_they_themselves_say() -> None:
    parts, now = DeskParts(), utc_now()
    callers = [Waiting(f"c{n}", "ch", "support", n, 0, now - timedelta(seconds=n)) for n in (1, 2)]
    parts.picture = picture(
        now, seat("101"), seat("101", queue="vip"), seat("102", there=False), waiting=callers
    )
    parts.presences.put("102", Presence.PAUSED, reason="lunch")
    desk = parts.centre.snapshot(GRACE)
    assert desk.me.presence == "ready"
    assert [(one.name, one.waiting, one.longest_since) for one in desk.queues] == [
        ("support", 2, now - timedelta(seconds=2)), ("vip", 0, None)
    ]  # fmt: skip
    assert [(one.extension, one.presence, one.talking) for one in desk.colleagues] == [
        ("102", "paused", False)
    ]
    mine = parts.centre.snapshot(TOMAS).me
    assert (mine.presence, mine.reason) == ("paused", "lunch")


async def test_one_more_call_than_fits_costs_the_oldest_its_pop_and_no_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cti.desk.calls.MOST_CALLS", 3)
    parts = DeskParts()
    for n in range(5):
        waits(parts, f"c{n}")
        rings(parts, f"c{n}")
    assert list(parts.centre.calls.kept) == ["c2", "c3", "c4"]
    assert len(parts.centre.calls.contexts._entries) == 3


async def test_a_ring_wakes_its_desk_at_once_and_figures_wake_all_in_their_time() -> None:
    parts = DeskParts()
    hub = parts.centre.hub
    hub._calm_s = 0.05
    with parts.centre.watching(GRACE), parts.centre.watching(TOMAS):
        grace, _ = await hub.newer(GRACE, 0) or (0, "")
        tomas, _ = await hub.newer(TOMAS, 0) or (0, "")
        waits(parts, "c1")
        rings(parts, "c1")
        assert hub._desks[GRACE].version > grace
        assert hub._desks[TOMAS].version == tomas
        before = hub._desks[GRACE].version
        for _ in range(100):
            parts.centre.queues_changed()
        assert hub._desks[GRACE].version == before
        async with asyncio.timeout(5):
            await hub.newer(TOMAS, tomas)
        assert hub._desks[GRACE].version > before
    assert hub.watched == []


async def test_whoever_reads_slowly_gets_the_newest_alone() -> None:
    drawn: list[int] = []
    hub: Hub[str] = Hub(lambda key: drawn.append(1) or "{}")
    with hub.watching("101"):
        first, _ = await hub.newer("101", 0) or (0, "")
        for _ in range(10):
            hub.changed("101")
        second, _ = await hub.newer("101", first) or (0, "")
        assert second == first + 10
        assert len(drawn) == 2
        waiting = asyncio.create_task(hub.newer("101", second))
        await asyncio.sleep(0)
        hub.close()
        assert await waiting is None


def without_clock(text: str) -> object:
    return {**json.loads(text), "now": None}


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_happens_a_page_that_reconnects_at_random_ends_with_the_truth(seed: int) -> None:
    """Changes of all kinds, cuts at random moments: nothing is lost and nothing doubled."""
    chance = random.Random(seed)
    parts = DeskParts(files={NORA: CallerFile("PZ-1", CARD, [], [])})
    parts.centre.hub._calm_s = 0.001
    hub, seen = parts.centre.hub, dict[Owner, str]()
    versions: dict[Owner, list[int]] = {GRACE: [], TOMAS: []}
    stop = asyncio.Event()

    async def page(owner: Owner) -> None:
        while not stop.is_set():
            cut, last = chance.randrange(1, 6), 0
            with parts.centre.watching(owner):
                while cut and not stop.is_set():
                    try:
                        async with asyncio.timeout(0.02):
                            last, seen[owner] = await hub.newer(owner, last) or (0, "")
                    except TimeoutError:
                        continue
                    versions[owner].append(last)
                    cut -= 1
                    await asyncio.sleep(0)

    async def last_look(owner: Owner) -> None:
        with parts.centre.watching(owner):
            seen[owner] = (await hub.newer(owner, 0) or (0, ""))[1]

    kinds = [K.OPERATOR_RINGING, K.OPERATOR_ANSWERED, K.OPERATOR_MISSED, K.OPERATOR_LEFT, K.HOLD_STARTED,
             K.HOLD_ENDED, K.RECORDING_PAUSED, K.RECORDING_RESUMED, K.BOT_TURN, K.TRANSFERRED, K.ENDED,
             K.QUEUE_JOINED, K.HANDED_OVER]  # fmt: skip
    pages = [asyncio.create_task(page(owner)) for owner in (GRACE, TOMAS)]
    for _ in range(120):
        match chance.randrange(5):
            case 0:
                parts.presences.put(chance.choice(["101", "102"]), chance.choice(list(Presence)))
            case 1:
                parts.picture = picture(utc_now(), seat("101", free=chance.random() < 0.5))
                parts.centre.queues_changed()
            case 2:
                waits(parts, f"c{chance.randrange(6)}")
            case _:
                call_id, kind = f"c{chance.randrange(6)}", chance.choice(kinds)
                operator, to = chance.sample(["101", "102"], 2)
                parts.centre.calls.hear(
                    event(call_id, kind, operator=operator, to=to, how="attended", speaker="bot")
                )
        if chance.random() < 0.3:
            await asyncio.sleep(0.001)
    async with asyncio.timeout(10):  # a page that stays connected comes to the same by itself
        while any(  # noqa: ASYNC110 -- the same
            owner not in seen
            or without_clock(seen[owner]) != without_clock(parts.centre.snapshot(owner).json())
            for owner in (GRACE, TOMAS)
        ):
            await asyncio.sleep(0.005)
    stop.set()
    await asyncio.gather(*pages)
    for owner in (GRACE, TOMAS):
        await last_look(owner)
        assert without_clock(seen[owner]) == without_clock(parts.centre.snapshot(owner).json())
        assert versions[owner] == sorted(versions[owner])


def test_json_in_a_page_can_end_no_element_and_means_the_same() -> None:
    evil = "</script><!--&\u2028\r\n\x00"
    desk = DeskSnapshot(datetime(2026, 11, 20, tzinfo=UTC), Me("101", evil, "ready", None, None, None, "own"))
    text = desk.json()
    assert text.isascii()
    assert text.isprintable()
    page = for_page(text)
    assert not set("<>&") & set(page)
    assert json.loads(page) == json.loads(text)
    assert json.loads(page)["me"]["name"] == evil
    assert json.loads(page)["now"] == "2026-11-20T00:00:00.000+00:00"
