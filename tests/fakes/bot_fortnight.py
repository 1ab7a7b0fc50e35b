"""Two weeks of calls with the voicebot before today, for looking at its pages: the same ones every time.

Nothing here is anybody's number: 555-01xx is set aside for fiction.
"""

import random
from collections.abc import Iterator
from datetime import datetime

from tests.fakes.desk_day import Step, Visit, answered, heard, over, queued, to_bot, to_menu
from tickets.database import Sessions
from tickets.ledger import CallBook
from tickets.vocabulary import EventKind as K

ASKED = {
    "next_draw": (
        "Next draw",
        ["When is the next draw?", "Is there a draw tonight?"],
        9,
    ),
    "check_ticket": ("Check a ticket", ["Did my ticket win?", "How do I check my ticket?"], 7),
    "winning_numbers": ("Winning numbers", ["What were the numbers last Saturday?"], 6),
    "collect_prize": ("Collect a prize", ["Where do I collect my prize?", "How do I get my winnings?"], 4),
    "jackpot": ("Jackpot", ["How big is the jackpot?"], 3),
    "opening_hours": ("Opening hours", ["When are you open?"], 2),
    "ticket_price": ("Ticket price", ["How much is a ticket?"], 1),
}
UNKNOWN = {
    9: ["Can I pay with a gift card?", "Do you take gift cards?", "May I use a gift card to buy tickets?"],
    6: ["I want to cancel my subscription.", "How can I cancel the subscription?", "Cancel my subscription."],
    5: ["Are you hiring at the moment?", "Do you have any jobs, are you hiring?"],
    4: ["I forgot my password.", "I can't log in, I forgot the password."],
    3: ["Can I play from abroad?", "Is it possible to play from another country?"],
    1: ["My neighbour keeps bees."],
}
BOT_ANSWER = "Here is the answer. Is there anything else I can help you with?"


async def live_through_a_fortnight(now: datetime, sessions: Sessions) -> None:
    """Put the two weeks into the database."""
    book = CallBook(sessions, deadline_s=20)
    for visit in visits():
        await book.record(visit.events(now, {}))


def visits() -> Iterator[Visit]:
    """Oldest first."""
    luck = random.Random(19)
    callers = [f"+1202555{number:04}" for number in range(100, 200)]
    for day in range(13, 0, -1):
        for call in range(luck.randint(11, 24)):
            minutes_ago = day * 1440 - call * 31 - luck.random() * 20
            yield Visit(minutes_ago, luck.choice(callers), [*to_menu(), *to_bot(9), *_talk(luck, day)])


def _talk(luck: random.Random, day: int) -> list[Step]:
    if luck.random() < 0.22:
        return _unknown(luck)
    name = luck.choices(list(ASKED), [weight for *_, weight in ASKED.values()])[0]
    topic, wordings, _weight = ASKED[name]
    asked = heard(14, luck.choice(wordings), name, luck.uniform(0.55, 0.97))
    told: Step = (15, K.BOT_TURN, {"speaker": "bot", "text": BOT_ANSWER, "intent": f"answer:{name}"})
    if luck.random() < 0.08 + 0.012 * day:  # it gets better
        reason = luck.choice(["asked", "asked", "pressed_zero", "not_understood"])
        return [asked, told, *queued(24, reason), *answered(40, "101", 16), *over(95, "101", 55)]
    thumb: list[Step] = []
    if luck.random() < 0.6:
        thumb = [(24, K.BOT_THUMB, {"up": luck.random() < 0.86, "question": name})]
    return [asked, told, *thumb, (26, K.BOT_ENDED, {"answered": True, "topic": topic}), *over(27)]


def _unknown(luck: random.Random) -> list[Step]:
    if luck.random() < 0.15:
        return over(12)
    wordings = luck.choices(list(UNKNOWN.values()), list(UNKNOWN))[0]
    asked = heard(14, luck.choice(wordings), "out_of_scope", luck.uniform(0.05, 0.35))
    reason = luck.choice(["out_of_scope", "out_of_scope", "not_understood"])
    return [asked, *queued(20, reason), *answered(38, "102", 18), *over(120, "102", 82)]
