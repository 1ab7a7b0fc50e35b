import pytest

from voicebot.clusters import MOST, cluster

pytestmark = pytest.mark.unit

GIFT = ["can I pay with a gift card", "do you take gift cards", "may I use a gift card to buy tickets"]
PASSWORD = ["I forgot my password", "I cannot log in I forgot the password"]
КАРТА = ["можно ли оплатить картой", "как оплатить билет картой"]
ALONE = ["what is the weather like", "my neighbour keeps bees"]


def groups(texts: list[str]) -> list[set[str]]:
    return [{texts[number] for number in one.members} for one in cluster(texts)]


def test_what_is_about_the_same_in_other_words_comes_together():
    found = groups(
        [ALONE[0], GIFT[0], PASSWORD[0], КАРТА[0], GIFT[1], КАРТА[1], PASSWORD[1], GIFT[2], ALONE[1]]
    )
    assert found[0] == set(GIFT)
    assert {frozenset(one) for one in found[1:]} == {
        frozenset(PASSWORD),
        frozenset(КАРТА),
        frozenset([ALONE[0]]),
        frozenset([ALONE[1]]),
    }


def test_the_most_frequent_is_first_and_its_title_the_most_typical():
    texts = [*GIFT, *[PASSWORD[0].upper() + "!"] * 4, PASSWORD[1]]
    first, second = cluster(texts)
    assert (first.size, first.wordings) == (5, 2)
    assert texts[first.members[0]] == "I FORGOT MY PASSWORD!"
    assert (second.size, second.wordings) == (3, 3)


def test_a_word_that_the_recogniser_got_wrong_does_not_part_them():
    assert groups(["I want to cancel my subscription", "I want to cancle my subskription please"]) == [
        {"I want to cancel my subscription", "I want to cancle my subskription please"}
    ]


@pytest.mark.parametrize("texts", [[], ["", "…", " - "]])
def test_of_nothing_it_makes_nothing(texts: list[str]):
    assert cluster(texts) == []


def test_a_single_text_is_a_group_of_one():
    (one,) = cluster(["do you sell stamps"])
    assert (one.members, one.wordings) == ((0,), 1)


def test_the_same_texts_give_the_same_groups():
    texts = [*GIFT, *PASSWORD, *ALONE]
    assert cluster(texts) == cluster(texts)


def test_it_looks_at_a_bounded_number_of_wordings():
    texts = [f"word{number} thing{number * 7}" for number in range(MOST + 50)]
    assert sum(one.size for one in cluster(texts)) == MOST


def test_an_endless_text_does_no_harm():
    assert cluster(["a" * 1_000_000, "b " * 1_000_000])[0].size == 1
