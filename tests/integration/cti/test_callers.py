"""Local table and CRM asked together: whose word wins, and how long a caller waits for it."""

import asyncio
import time

import pytest
from sqlalchemy import Update, update

from cti.customers.callers import KEEP_UNTIL_S, CallerSearch
from cti.customers.crm_answer import CrmCard
from ivr.reception import KnownCaller
from tickets.customers import CustomerBook
from tickets.database import Database, DatabaseTrouble, writing
from tickets.numbers import normalise_number
from tickets.tables import CustomerRow

pytestmark = pytest.mark.integration

RAW = "(202) 555-0123"
NUMBER = "+12025550123"


@pytest.fixture
def customers(database: Database) -> CustomerBook:
    return CustomerBook(database.sessions)


class Words:
    """A CRM that says what the test has put in."""

    def __init__(self, card: CrmCard | None = None) -> None:
        self.card = card
        self.asked: list[str] = []

    async def ask(self, e164: str) -> CrmCard | None:
        self.asked.append(e164)
        return self.card


def search(customers: CustomerBook, crm: Words | None) -> CallerSearch:
    return CallerSearch(customers, crm and crm.ask, lambda raw: normalise_number(raw, "US"))


async def test_it_knows_who_is_in_the_table_without_a_crm(customers: CustomerBook):
    anna = await customers.add("Anna", [NUMBER], vip_level=1)
    assert await search(customers, None).find(RAW) == KnownCaller(anna.id, 1)
    assert await search(customers, None).find("+12025550199") is None
    assert await search(customers, None).find("anonymous") is None


async def test_it_knows_who_is_in_the_table_when_the_crm_does_not(customers: CustomerBook):
    anna = await customers.add("Anna", [NUMBER])
    crm = Words(None)
    assert await search(customers, crm).find(RAW) == KnownCaller(anna.id, 0)
    assert crm.asked == [NUMBER]


async def test_it_keeps_a_customer_of_whom_only_the_crm_knew(customers: CustomerBook):
    found = await search(customers, Words(CrmCard(name="Ada", vip_level=3))).find(RAW)
    [ada] = await customers.by_number(NUMBER)
    assert (ada.name, ada.vip_level, ada.numbers) == ("Ada", 3, (NUMBER,))
    assert found == KnownCaller(ada.id, 3)
    assert await search(customers, None).find(RAW) == found  # next time without the CRM


async def test_it_lets_the_crm_correct_name_and_level(customers: CustomerBook):
    old = await customers.add("A. Lovelace", [NUMBER, "+12025550124"], vip_level=1)
    found = await search(customers, Words(CrmCard(name="Ada", vip_level=0))).find(RAW)
    assert found == KnownCaller(old.id, 0)
    card = await customers.get(old.id)
    assert (card.name, card.vip_level, len(card.numbers)) == ("Ada", 0, 2)


async def test_it_passes_on_the_language_that_the_crm_tells(customers: CustomerBook):
    known = await search(customers, Words(CrmCard(name="Ada", vip_level=1, language="ru"))).find(RAW)
    assert known is not None
    assert known.language == "ru"


async def test_it_finds_the_right_one_of_a_family(customers: CustomerBook):
    bob = await customers.add("Bob", [NUMBER], vip_level=5)
    ada = await customers.add("Ada", [NUMBER])
    assert await search(customers, Words(CrmCard(name="Ada", vip_level=2))).find(RAW) == KnownCaller(
        ada.id, 2
    )
    found = await search(customers, Words(CrmCard(name="Carl", vip_level=0))).find(RAW)
    assert found is not None
    assert found.customer_id not in (None, bob.id, ada.id)
    assert (await customers.get(bob.id)).vip_level == 5


async def test_it_makes_one_card_of_two_calls_at_one_time(customers: CustomerBook):
    one = search(customers, Words(CrmCard(name="Ada", vip_level=1)))
    found = await asyncio.gather(*(one.find(RAW) for _ in range(4)))
    assert len(await customers.by_number(NUMBER)) == 1
    assert len(set(found)) == 1


async def test_it_says_that_a_table_is_broken_only_when_the_crm_does_not_help(database: Database):
    customers = CustomerBook(database.sessions, deadline_s=0.0)
    with pytest.raises(DatabaseTrouble):
        await search(customers, Words(None)).find(RAW)
    assert await search(customers, Words(CrmCard(name="Ada", vip_level=4))).find(RAW) == KnownCaller(None, 4)


async def test_it_gives_a_vip_their_place_though_the_table_is_locked(
    database: Database, customers: CustomerBook
):
    await customers.add("A. Lovelace", [NUMBER])
    async with writing(database.sessions) as other:
        [card] = await customers.by_number(NUMBER)
        await other.execute(_hold(card.id))
        began = time.monotonic()
        found = await search(customers, Words(CrmCard(name="Ada", vip_level=4))).find(RAW)
        assert time.monotonic() - began < KEEP_UNTIL_S + 0.5
    assert found == KnownCaller(None, 4)
    for _ in range(200):  # kept as soon as the table is free
        if (await customers.get(card.id)).name == "Ada":
            break
        await asyncio.sleep(0.02)
    assert (await customers.get(card.id)).vip_level == 4


def _hold(customer_id: int) -> Update:
    return update(CustomerRow).where(CustomerRow.id == customer_id).values(vip_level=0)
