import pytest

from tests.fakes.operator_wish import WAYS, Bot
from tests.fakes.operator_wordings import OF_SOMETHING_ELSE, WORDINGS
from tests.fakes.utterances import utterances
from voicebot.understanding import Kind

pytestmark = pytest.mark.unit

BOTS = {language: Bot(language) for language in WORDINGS}


@pytest.mark.parametrize("language", WORDINGS)
def test_whoever_asks_for_a_person_gets_one_at_once_in_every_state(language: str):
    bot = BOTS[language]
    states = bot.states()
    assert set(states) == set(WAYS)
    missed = [
        (state, said)
        for state, stands in states.items()
        for said in WORDINGS[language]
        if not bot.hands_over(stands, [(said, True)])
    ]
    assert missed == []


@pytest.mark.parametrize("language", WORDINGS)
def test_other_requests_are_not_taken_for_it(language: str):
    others = [*OF_SOMETHING_ELSE[language]]
    others += [one.said for half in ("tuning", "measuring") for one in utterances(language, half)]
    taken = [said for said in others if BOTS[language].understanding.classify(said).kind is Kind.OPERATOR]
    assert len(taken) / len(others) <= 0.02, taken
