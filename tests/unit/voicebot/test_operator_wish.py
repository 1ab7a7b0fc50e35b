import re

import pytest

from tests.fakes.operator_wish import WAYS, Bot, Turn
from tests.fakes.operator_wordings import OF_SOMETHING_ELSE, WITH_A_MATTER, WORDINGS
from tests.fakes.scripts import script
from tests.fakes.utterances import utterances
from voicebot.understanding import Kind
from voicebot.wishes import Wishes, clauses, words

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
        if not bot.hands_over(stands, [Turn(said)])
    ]
    assert missed == []


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "I don't want to talk to you"),
        ("en", "stop talking to me, I am not speaking with you"),
        ("ru", "не хочу с тобой разговаривать"),
        ("ru", "я не буду говорить с вами"),
    ],
)
def test_whoever_does_not_want_to_talk_to_the_bot_wants_a_person(language: str, said: str):
    assert BOTS[language].understanding.classify(said).kind is Kind.OPERATOR


@pytest.mark.parametrize("language", WORDINGS)
def test_whoever_speaks_twice_in_words_that_no_recogniser_knows_gets_a_person_in_every_state(language: str):
    bot = BOTS[language]
    unheard = [Turn("", sure=False)] * 2
    assert [state for state, stands in bot.states().items() if not bot.hands_over(stands, unheard)] == []


def without_punctuation(said: str) -> str:
    """As a recogniser writes it that knows none."""
    return re.sub(r"[.,?!]", "", said).lower()


def is_a_wish(language: str, said: str) -> bool:
    wishes = Wishes(script(language).operator_words, language=language)
    return wishes.is_for_a_person(words(said, language), clauses(said, language))


@pytest.mark.parametrize("language", WORDINGS)
def test_whoever_says_also_what_it_is_about_gets_a_person_in_every_state(language: str):
    bot = BOTS[language]
    missed = [
        (state, text)
        for state, stands in bot.states().items()
        for said in WITH_A_MATTER[language]
        for text in (said, without_punctuation(said))
        if not bot.hands_over(stands, [Turn(text)])
    ]
    assert missed == []


@pytest.mark.parametrize("language", WORDINGS)
@pytest.mark.parametrize("joined", ["{wish}. {matter}?", "{matter}? {wish}.", "{wish}, {matter}"])
def test_it_is_heard_in_every_wording_beside_any_question_of_the_scenario(language: str, joined: str):
    matters = [phrase for question in script(language).questions for phrase in question.phrases[::8]]
    said = [joined.format(wish=wish, matter=matter) for wish in WORDINGS[language] for matter in matters]
    missed = [one for one in said if not is_a_wish(language, one)]
    assert len(missed) / len(said) <= 0.01, missed


@pytest.mark.parametrize("language", WORDINGS)
@pytest.mark.parametrize("joined", ["{wish} {matter}", "{matter} {wish}"])
def test_it_is_mostly_heard_there_without_punctuation_too(language: str, joined: str):
    matters = [phrase for question in script(language).questions for phrase in question.phrases[::8]]
    said = [joined.format(wish=wish, matter=matter) for wish in WORDINGS[language] for matter in matters]
    missed = [one for one in said if not is_a_wish(language, without_punctuation(one))]
    assert len(missed) / len(said) <= 0.05, missed


@pytest.mark.parametrize("language", WORDINGS)
def test_what_speaks_of_other_people_is_not_taken_for_it(language: str):
    taken = [
        text
        for said in OF_SOMETHING_ELSE[language]
        for text in (said, without_punctuation(said))
        if BOTS[language].understanding.classify(text).kind is Kind.OPERATOR
    ]
    assert taken == []


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "You won't need an agent."),
        ("ru", "Можно человек, без патпы, это получить пресс."),
        ("ru", "Можно человек и без фаска получить приз"),
        ("ru", "У магазин им несказала оператор, что я выиграл."),
        ("ru", "Как подробнее, к счет с операторей?"),
        ("ru", "Мне нужен оператор Вязи, который продает ваши билеты."),
    ],
)
def test_nor_is_what_a_recogniser_made_of_them_in_noise(language: str, said: str):
    assert BOTS[language].understanding.classify(said).kind is not Kind.OPERATOR


@pytest.mark.parametrize("language", WORDINGS)
def test_other_requests_are_not_taken_for_it(language: str):
    others = [*OF_SOMETHING_ELSE[language]]
    others += [one.said for half in ("tuning", "measuring") for one in utterances(language, half)]
    taken = [said for said in others if BOTS[language].understanding.classify(said).kind is Kind.OPERATOR]
    assert len(taken) / len(others) <= 0.02, taken
