"""The language of each call that goes on, told by its events."""

import pytest

from cti import call_languages
from cti.call_languages import CallLanguages
from tests.fakes.stories import event
from tickets.vocabulary import EventKind

pytestmark = pytest.mark.unit

K = EventKind


def test_a_call_is_in_the_scenarios_language_until_another_is_told_and_forgotten_at_its_end() -> None:
    languages = CallLanguages("en")
    assert languages.of("pz-1") == "en"
    languages.hear(event(K.LANGUAGE, 1, call_id="pz-1", language="ru", how="key"))
    languages.hear(event(K.MENU_ENTERED, 2, call_id="pz-1", menu="main"))
    assert (languages.of("pz-1"), languages.of("pz-2")) == ("ru", "en")
    languages.hear(event(K.ENDED, 3, call_id="pz-1", cause="16"))
    assert languages.of("pz-1") == "en"


def test_what_is_told_is_newer_than_what_the_ledger_had() -> None:
    languages = CallLanguages("en")
    languages.hear(event(K.LANGUAGE, 1, call_id="pz-1", language="en", how="key"))
    languages.begin_with({"pz-1": "ru", "pz-2": "ru"})
    assert (languages.of("pz-1"), languages.of("pz-2")) == ("en", "ru")


def test_calls_whose_end_nobody_tells_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_languages, "REMEMBERED", 3)
    languages = CallLanguages("en")
    for number in range(5):
        languages.hear(event(K.LANGUAGE, 1, call_id=f"pz-{number}", language="ru", how="line"))
    assert [languages.of(f"pz-{number}") for number in range(5)] == ["en", "en", "ru", "ru", "ru"]
