"""Phrases that supervisors taught the bot, on real databases."""

import asyncio

import pytest

from tickets.audit import AuditBook
from tickets.customers import NotFound
from tickets.database import Database
from tickets.taught import LONGEST, MOST_AT_ONCE, BadPhrase, TaughtBook

pytestmark = pytest.mark.integration


def book_of(database: Database) -> TaughtBook:
    return TaughtBook(database.sessions, deadline_s=20)


async def test_it_keeps_who_taught_what_and_when(database: Database) -> None:
    book = book_of(database)
    (one,) = await book.teach("check_ticket", ["  is my  slip good "], "en", "sofia")
    assert (one.question, one.phrase, one.language, one.taught_by) == (
        "check_ticket",
        "is my slip good",
        "en",
        "sofia",
    )
    assert await book.standing() == [one]


async def test_taught_twice_is_taught_once_and_in_each_language_apart(database: Database) -> None:
    book = book_of(database)
    await book.teach("check_ticket", ["slip", "slip"], "en", "sofia")
    assert await book.teach("check_ticket", ["slip"], "en", "ada") == []
    await book.teach("check_ticket", ["slip"], "ru", "ada")
    assert [(one.phrase, one.language) for one in await book.standing()] == [("slip", "ru"), ("slip", "en")]


async def test_one_phrase_is_never_two_questions(database: Database) -> None:
    book = book_of(database)
    await book.teach("check_ticket", ["slip"], "en", "sofia")
    with pytest.raises(BadPhrase, match="withdraw it there first"):
        await book.teach("jackpot", ["pot", "slip"], "en", "sofia")
    assert len(await book.standing()) == 1


async def test_what_is_withdrawn_is_kept_and_may_be_taught_anew(database: Database) -> None:
    book = book_of(database)
    (one,) = await book.teach("check_ticket", ["slip"], "en", "sofia")
    gone = await book.withdraw(one.id, "ada")
    assert gone.withdrawn_by == "ada"
    assert (await book.withdraw(one.id, "sofia")).withdrawn_by == "ada"
    assert await book.standing() == []
    (again,) = await book.teach("jackpot", ["slip"], "en", "sofia")
    assert again.id != one.id
    for nobody in (0, 99, 2**40):
        with pytest.raises(NotFound):
            await book.withdraw(nobody, "ada")


async def test_each_change_is_in_the_audit_log(database: Database) -> None:
    book = book_of(database)
    (one, _) = await book.teach("check_ticket", ["slip", "stub"], "en", "sofia")
    await book.withdraw(one.id, "ada")
    await book.withdraw(one.id, "ada")
    page = await AuditBook(database.sessions, deadline_s=20).page(actions=("bot",))
    assert sorted((line.login, line.action, line.subject, line.detail["phrase"]) for line in page.items) == [
        ("ada", "bot.withdrawn", "check_ticket", one.phrase),
        ("sofia", "bot.taught", "check_ticket", "slip"),
        ("sofia", "bot.taught", "check_ticket", "stub"),
    ]


@pytest.mark.parametrize(
    ("phrases", "why"),
    [
        ([], "at least one"),
        (["  ", "\n"], "at least one"),
        (["x" * (LONGEST + 1)], "shorten it"),
        ([f"phrase {number}" for number in range(MOST_AT_ONCE + 1)], "too many"),
    ],
)
async def test_what_cannot_be_kept_is_told(database: Database, phrases: list[str], why: str) -> None:
    with pytest.raises(BadPhrase, match=why):
        await book_of(database).teach("check_ticket", phrases, "en", "sofia")


async def test_two_supervisors_who_teach_the_same_at_once_teach_it_once(database: Database) -> None:
    taught = await asyncio.gather(
        *(book_of(database).teach("check_ticket", ["slip", "stub"], "en", "sofia") for _ in range(5))
    )
    assert sum(map(len, taught)) == 2
    assert sorted(one.phrase for one in await book_of(database).standing()) == ["slip", "stub"]
