from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicebot.languages.shape import listed
from voicebot.values import date_of, digits, number_of

pytestmark = pytest.mark.unit

TODAY = date(2026, 11, 28)  # a Saturday

EN_UNITS = listed("""
        zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
        sixteen seventeen eighteen nineteen
    """)
EN_TENS = listed("twenty thirty forty fifty sixty seventy eighty ninety")
RU_UNITS = listed("""
        ноль один два три четыре пять шесть семь восемь девять десять одиннадцать двенадцать тринадцать
        четырнадцать пятнадцать шестнадцать семнадцать восемнадцать девятнадцать
    """)
RU_TENS = listed("двадцать тридцать сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто")
RU_HUNDREDS = listed("сто двести триста четыреста пятьсот шестьсот семьсот восемьсот девятьсот")
RU_MONTHS = listed("января февраля марта апреля мая июня июля августа сентября октября ноября декабря")


def english(number: int) -> str:
    if number < 20:
        return EN_UNITS[number]
    if number < 100:
        return EN_TENS[number // 10 - 2] + (f" {EN_UNITS[number % 10]}" if number % 10 else "")
    if number < 1000:
        rest = f" and {english(number % 100)}" if number % 100 else ""
        return f"{EN_UNITS[number // 100]} hundred{rest}"
    rest = f" {english(number % 1000)}" if number % 1000 else ""
    return f"{english(number // 1000)} thousand{rest}"


def russian(number: int) -> str:
    if number < 20:
        return RU_UNITS[number]
    if number < 100:
        return RU_TENS[number // 10 - 2] + (f" {RU_UNITS[number % 10]}" if number % 10 else "")
    if number < 1000:
        return RU_HUNDREDS[number // 100 - 1] + (f" {russian(number % 100)}" if number % 100 else "")
    thousands, rest = divmod(number, 1000)
    last = 0 if 10 < thousands % 100 < 20 else thousands % 10
    said = russian(thousands)
    if last in (1, 2):
        said = said.rsplit(" ", 1)[0] + " " if " " in said else ""
        said += "одна" if last == 1 else "две"
    form = "тысяча" if last == 1 else "тысячи" if last in (2, 3, 4) else "тысяч"
    return f"{said} {form}" + (f" {russian(rest)}" if rest else "")


SPEAK = {"en": english, "ru": russian}


@pytest.mark.parametrize("language", ["en", "ru"])
@given(code=st.text("0123456789", min_size=1, max_size=16))
def test_a_code_said_digit_by_digit_comes_back_whole(language: str, code: str):
    assert digits(" ".join(SPEAK[language](int(digit)) for digit in code), language) == code


@pytest.mark.parametrize("language", ["en", "ru"])
@given(code=st.text("0123456789", min_size=2, max_size=12), between=st.sampled_from(["-", ", ", " ", ""]))
def test_a_code_written_in_figures_comes_back_whole(language: str, code: str, between: str):
    assert digits(between.join(code) + ".", language) == code


@pytest.mark.parametrize("language", ["en", "ru"])
@given(pairs=st.lists(st.integers(11, 99).filter(lambda pair: pair % 10), min_size=1, max_size=5))
def test_a_code_said_in_pairs_comes_back_whole(language: str, pairs: list[int]):
    said = " ".join(SPEAK[language](pair) for pair in pairs)
    assert digits(said, language) == "".join(map(str, pairs))


@pytest.mark.parametrize("language", ["en", "ru"])
@given(number=st.integers(0, 999_999))
def test_a_number_in_words_or_figures_comes_back(language: str, number: int):
    for said in (SPEAK[language](number), str(number), f"{number:,}" if language == "en" else f"{number}."):
        assert number_of(said, language) == number


@given(day=st.dates(date(1900, 1, 1), date(2099, 12, 31)))
def test_a_date_comes_back_however_it_is_written(day: date):
    month = day.strftime("%B")
    for said in (
        day.isoformat(),
        f"{day.month}/{day.day}/{day.year}",
        f"{month} {day.day}, {day.year}",
        f"the {day.day} of {month} {day.year}",
        f"{month} {english(day.day)} {day.year}",
        f"{day:%m%d%Y}",
    ):
        assert date_of(said, "en", TODAY) == day, said
    for said in (
        f"{day:%d.%m.%Y}",
        f"{day.day} {RU_MONTHS[day.month - 1]} {day.year} года",
        f"{russian(day.day)} {RU_MONTHS[day.month - 1]} {day.year}",
        f"{day:%d%m%Y}",
    ):
        assert date_of(said, "ru", TODAY) == day, said


@given(day=st.dates(TODAY - timedelta(180), TODAY + timedelta(180)))
def test_a_date_without_its_year_is_the_nearest(day: date):
    assert date_of(f"on {day:%B} {day.day}", "en", TODAY) == day
    assert date_of(f"{day.day} {RU_MONTHS[day.month - 1]}", "ru", TODAY) == day


@given(text=st.text(max_size=200), language=st.sampled_from(["en", "ru", "ko", "en-US"]))
def test_nonsense_gives_no_error(text: str, language: str):
    assert digits(text, language).isdecimal() or not digits(text, language)
    number_of(text, language)
    date_of(text, language, TODAY)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("my ticket number is one zero two", "102"),
        ("double five", "55"),
        ("double oh seven", "007"),
        ("oh one two", "012"),
        ("Oh, 1 2 5", "125"),
        ("twenty three", "23"),
        ("one to three", "123"),
        ("a hundred and two", "102"),
        ("sixty five oh two", "6502"),
        ("it's one two five, and then seven", "1257"),
        ("one two five, no, one two six", "126"),
        ("I have one ticket, its number is 1 2 5", "125"),
        ("1, 0, 2.", "102"),
        ("1-0-2", "102"),
        ("it is for you", ""),
        ("the second one two five", "125"),
        ("", ""),
    ],
)
def test_it_reads_english_codes(said: str, code: str):
    assert digits(said, "en") == code


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("один ноль два", "102"),
        ("номер билета сто два", "102"),
        ("сорок два ноль семь", "4207"),
        ("две пятёрки", "55"),
        ("три нуля семь", "0007"),
        ("дважды пять", "55"),
        ("ноль-ноль-семь", "007"),
        ("один два, нет, один три", "13"),
        ("двести тридцать пять тысяч семьсот один", "235701"),
        ("1 0 2.", "102"),
        ("здравствуйте", ""),
    ],
)
def test_it_reads_russian_codes(said: str, code: str):
    assert digits(said, "ru") == code


@pytest.mark.parametrize(
    ("said", "number"),
    [("three tickets please", 3), ("two, no, five", 5), ("5 million", 5_000_000), ("many", None)],
)
def test_it_reads_how_many(said: str, number: int | None):
    assert number_of(said, "en") == number


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("today", date(2026, 11, 28)),
        ("the day after tomorrow", date(2026, 11, 30)),
        ("and on Sunday?", date(2026, 11, 29)),
        ("last Saturday", date(2026, 11, 21)),
        ("next Saturday", date(2026, 12, 5)),
        ("three days ago", date(2026, 11, 25)),
        ("in two weeks", date(2026, 12, 12)),
        ("a month ago", date(2026, 10, 28)),
        ("on the fifth", date(2026, 12, 5)),
        ("the third of May nineteen eighty five", date(1985, 5, 3)),
        ("May twenty third two thousand five", date(2005, 5, 23)),
        ("oh five oh three nineteen eighty five", date(1985, 5, 3)),
        ("31 February", None),
        ("May I ask something", None),
        ("one second please", None),
        ("the second one", None),
    ],
)
def test_it_reads_english_dates(said: str, day: date | None):
    assert date_of(said, "en", TODAY) == day


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("послезавтра", date(2026, 11, 30)),
        ("а в воскресенье?", date(2026, 11, 29)),
        ("в прошлую субботу", date(2026, 11, 21)),
        ("через три дня", date(2026, 12, 1)),
        ("неделю назад", date(2026, 11, 21)),
        ("пятого числа", date(2026, 12, 5)),
        ("третьего мая тысяча девятьсот восемьдесят пятого года", date(1985, 5, 3)),
        ("второго июня восемьдесят пятого", date(1985, 6, 2)),
        ("двадцать пятого декабря двух тысяч пятого года", date(2005, 12, 25)),
        ("ноль три ноль пять тысяча девятьсот восемьдесят пять", date(1985, 5, 3)),
        ("31 июня", None),
    ],
)
def test_it_reads_russian_dates(said: str, day: date | None):
    assert date_of(said, "ru", TODAY) == day
