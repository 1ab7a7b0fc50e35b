"""The customers' cards on real databases."""

import pytest

from tickets.customers import BadCard, CustomerBook, NotFound
from tickets.database import Database

pytestmark = pytest.mark.integration


@pytest.fixture
def customers(database: Database) -> CustomerBook:
    return CustomerBook(database.sessions)


async def test_it_finds_everybody_with_a_number_the_important_first(customers: CustomerBook) -> None:
    shared = "+18005550123"
    bob = await customers.add("Bob", [shared])
    anna = await customers.add("Anna", ["+18005550199", shared, shared], vip_level=1)
    assert await customers.by_number(shared) == [anna, bob]
    assert anna.numbers == (shared, "+18005550199")
    assert await customers.by_number("+18005550000") == []
    assert await customers.by_number("\0") == []


async def test_it_gives_one_card(customers: CustomerBook) -> None:
    anna = await customers.add(" Anna \0", [])
    assert await customers.get(anna.id) == anna
    assert anna.name == "Anna"
    for nobody in (0, anna.id + 1, 10**30):
        with pytest.raises(NotFound):
            await customers.get(nobody)


@pytest.mark.parametrize(
    ("name", "numbers", "vip_level"),
    [("", [], 0), (" \0", [], 0), ("A", ["8005550123"], 0), ("A", ["+1" + "0" * 15], 0), ("A", [], -1)],
)
async def test_it_refuses_a_card_that_makes_no_sense(
    customers: CustomerBook, name: str, numbers: list[str], vip_level: int
) -> None:
    with pytest.raises(BadCard):
        await customers.add(name, numbers, vip_level)


NUMBER, OTHER = "+18005550123", "+18005550199"


async def test_it_knows_a_customer_by_the_crms_reference_whatever_they_call_from(
    customers: CustomerBook,
) -> None:
    ada = await customers.keep_told(NUMBER, "Ada", 1, "C-17")
    again = await customers.keep_told(OTHER, "Ada Lovelace", 2, "C-17")
    assert (again.id, again.name, again.vip_level) == (ada.id, "Ada Lovelace", 2)
    assert again.numbers == (NUMBER, OTHER)
    assert again.reference == "C-17"


async def test_it_keeps_two_customers_of_one_number_apart_by_their_references(
    customers: CustomerBook,
) -> None:
    ada = await customers.keep_told(NUMBER, "Ada", 1, "C-17")
    bob = await customers.keep_told(NUMBER, "Bob", 0, "C-18")
    assert ada.id != bob.id
    assert await customers.keep_told(NUMBER, "Ada", 1, "C-17") == ada


async def test_it_gives_a_card_that_was_there_its_reference(customers: CustomerBook) -> None:
    old = await customers.add("A. Lovelace", [NUMBER])
    told = await customers.keep_told(NUMBER, "Ada", 1, "C-17")
    assert (told.id, told.reference) == (old.id, "C-17")
    assert (await customers.keep_told(NUMBER, "Ada", 1)).reference == "C-17"


@pytest.mark.parametrize(("name", "level", "number"), [("", 0, NUMBER), ("A", -1, NUMBER), ("A", 0, "101")])
async def test_it_keeps_nothing_that_makes_no_card(
    customers: CustomerBook, name: str, level: int, number: str
) -> None:
    with pytest.raises(BadCard):
        await customers.keep_told(number, name, level)
