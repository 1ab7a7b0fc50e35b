"""The pages' languages: which one answers, and that every text has a word in each."""

import json
import re

import pytest
from babel.messages.catalog import Message

from cti.web import languages
from cti.web.languages import collect

pytestmark = pytest.mark.unit

OTHERS = [one for one in languages.LANGUAGES if one != languages.SOURCE]


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("ru", "ru"),
        ("ru-RU,ru;q=0.9,en-US;q=0.8", "ru"),
        ("de-DE,de;q=0.9,ru;q=0.5,en;q=0.4", "ru"),
        ("en;q=0.3,ru;q=0.7", "ru"),
        ("fr, *;q=0.1", "en"),
        ("ru;q=0, en", "en"),
        ("ru;q=much, \x00", "en"),
    ],
)
def test_it_takes_the_first_language_that_both_know(header: str, language: str) -> None:
    assert languages.preferred(header) == language


def test_it_speaks_a_language_only_inside() -> None:
    with languages.speaking("ru"):
        assert languages.language() == "ru"
    languages.speak("xx")
    assert languages.language() == "en"


def test_it_fills_values_in() -> None:
    assert languages.gettext("by %(who)s", who="Ann") == "by Ann"
    assert languages.ngettext("%(num)s call", "%(num)s calls", 1) == "1 call"
    assert languages.ngettext("%(num)s call", "%(num)s calls", 2) == "2 calls"
    assert languages.pgettext("verb", "Open") == "Open"


@pytest.mark.parametrize("language", languages.LANGUAGES)
def test_it_gives_scripts_their_words_and_no_way_out_of_the_element(language: str) -> None:
    words = languages.script_words(language)
    assert "<" not in words
    assert isinstance(json.loads(words), dict)


def holes(text: str) -> set[str]:
    """The names of the values in a text."""
    return set(re.findall(r"%\((\w+)\)s", text))


@pytest.mark.parametrize("language", OTHERS)
def test_it_has_every_text_in_every_language(language: str) -> None:
    wanted = {(one.context, one.id) for one in collect.collected() if one.id}
    there = {(one.context, one.id): one for one in languages.catalogue(language) if one.id}
    assert there.keys() == wanted, "run `make words`"
    assert [text for text, message in there.items() if not translated(message)] == []


@pytest.mark.parametrize("language", OTHERS)
def test_it_keeps_every_value_in_every_language(language: str) -> None:
    for message in languages.catalogue(language):
        if not message.id or not translated(message):
            continue
        wanted = set().union(*(holes(text) for text in forms(message.id)))
        for text in forms(message.string):
            assert holes(text) <= wanted, message.id
            assert holes(text) | {"num"} >= wanted, message.id
        for text in (*forms(message.id), *forms(message.string)):
            text % dict.fromkeys(wanted | {"num"}, 1)  # a lone percent sign would raise


def forms(text: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def translated(message: Message) -> bool:
    return all(forms(message.string))
