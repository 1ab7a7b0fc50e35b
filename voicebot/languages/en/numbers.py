"""Numbers and dates of English."""

from voicebot.languages.shape import Dates, Numbers, listed

_UNITS = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen
"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_ORDINAL_UNITS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth"
)

NUMBERS = Numbers(
    words={
        **{word: value for value, word in enumerate(listed(_UNITS))},
        **{word: 10 * tens for tens, word in enumerate(listed(_TENS), start=2)},
        "oh": 0,
        "o": 0,
        "nought": 0,
        "naught": 0,
        "nil": 0,
        "niner": 9,
        "fourty": 40,
    },
    hundred=frozenset({"hundred", "hundreds"}),
    scales={"thousand": 1000, "thousands": 1000, "million": 1_000_000, "millions": 1_000_000},
    ordinals={
        **{word: value for value, word in enumerate(listed(_ORDINAL_UNITS), start=1)},
        "twentieth": 20,
        "thirtieth": 30,
    },
    times={"single": 1, "double": 2, "triple": 3, "treble": 3, "quadruple": 4},
    digit_names={
        word: value
        for value, word in enumerate(listed("zeros ones twos threes fours fives sixes sevens eights nines"))
    }
    | {"zeroes": 0, "ohs": 0},
    sound_alike={"won": 1, "to": 2, "too": 2, "for": 4, "fore": 4, "ate": 8},
    inside=frozenset({"and"}),
    glue=frozenset(
        listed("""
        a and then after that next followed by comes dash hyphen space dot point minus slash comma um uh
        er erm hmm okay
    """)
    ),
    corrections=frozenset({"no", "not", "sorry", "mean", "actually", "wait", "rather", "correction"}),
)

_MONTHS = "january february march april may june july august september october november december"
_WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday"

DATES = Dates(
    months={
        **{word: month for month, word in enumerate(listed(_MONTHS), start=1)},
        **{word[:3]: month for month, word in enumerate(listed(_MONTHS), start=1)},
        "sept": 9,
    },
    weekdays={
        **{word: day for day, word in enumerate(listed(_WEEKDAYS))},
        **{word + "s": day for day, word in enumerate(listed(_WEEKDAYS))},
    },
    days={
        "today": 0,
        "tonight": 0,
        "tomorrow": 1,
        "yesterday": -1,
        "last night": -1,
        "the day after tomorrow": 2,
        "day after tomorrow": 2,
        "the day before yesterday": -2,
        "day before yesterday": -2,
    },
    units={
        "day": ("day", 1),
        "days": ("day", 1),
        "week": ("day", 7),
        "weeks": ("day", 7),
        "fortnight": ("day", 14),
        "month": ("month", 1),
        "months": ("month", 1),
        "year": ("month", 12),
        "years": ("month", 12),
    },
    ahead=frozenset({"in"}),
    ago=frozenset({"ago", "back"}),
    coming=frozenset({"next", "coming"}),
    past=frozenset({"last", "past", "previous"}),
    day_first=False,
    day_before=frozenset({"the"}),
    suffixes="st|nd|rd|th",
)
