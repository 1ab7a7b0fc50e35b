"""A morning at the lottery's desk, for the web's tests and for looking at its pages.

Customers, calls as the sources tell them, recordings with transcripts: written through the real books and
onto the real shelf. Nothing here is anybody's real number: 555-01xx is set aside for fiction.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recordings.audio import merge_stereo, peaks
from recordings.naming import store_key
from recordings.store import Store
from recordings.tables import Recording, Transcript
from recordings.transcript import Phrase, Speaker, Word, to_json
from tests.fakes.wav_files import RATE, write_wav
from tickets.customers import CustomerBook
from tickets.database import Sessions, writing
from tickets.events import CallEvent, Value
from tickets.ledger import CallBook
from tickets.vocabulary import EventKind as K

LINE = "+18005550100"
OPERATORS = {"101": "Grace Okafor", "102": "Tomas Lindqvist"}
NORA = "+12025550143"
MARCUS = "+12025550171"
ELENA = "+13125550118"

Step = tuple[float, K, dict[str, Value]]
Line = tuple[Speaker, float, float, str]


@dataclass(frozen=True)
class Visit:
    """One call: when it came, what happened at which second, what is on its tape."""

    minutes_ago: float
    caller: str | None
    steps: list[Step]
    tape: list[Line] = field(default_factory=list)
    missing: str = ""  # why there is no tape

    def call_id(self, now: datetime) -> str:
        """As Asterisk would name it."""
        return f"pz-{int((now - timedelta(minutes=self.minutes_ago)).timestamp())}.7"

    def events(self, now: datetime, customers: dict[str, tuple[int, int]]) -> list[CallEvent]:
        """What the sources tell. `customers`: number → (id, VIP level)."""
        began, call_id = now - timedelta(minutes=self.minutes_ago), self.call_id(now)
        steps: list[Step] = [
            (0, K.RECEIVED, {"caller_raw": self.caller or "anonymous", "caller": self.caller, "line": LINE})
        ]
        if self.caller in customers:
            customer_id, vip = customers[self.caller]
            steps.append((0.1, K.CUSTOMER_FOUND, {"customer_id": customer_id, "vip_level": vip}))
        return [
            CallEvent(
                "test", f"{call_id}:{number}", call_id, began + timedelta(seconds=at), kind, data, number
            )
            for number, (at, kind, data) in enumerate([*steps, *self.steps])
        ]


def to_menu() -> list[Step]:
    return [(0.6, K.MENU_ENTERED, {"menu": "main"})]


def to_bot(at: float) -> list[Step]:
    return [(at - 0.5, K.MENU_CHOICE, {"menu": "main", "digit": "1"}), (at, K.BOT_STARTED, {})]


def heard(at: float, text: str, intent: str, confidence: float) -> Step:
    said: dict[str, Value] = {"speaker": "caller", "text": text, "intent": intent, "confidence": confidence}
    return at, K.BOT_TURN, said


def told(at: float, text: str, prompt: str = "") -> Step:
    return at, K.BOT_TURN, {"speaker": "bot", "text": text, "intent": prompt}


def queued(at: float, reason: str, priority: int = 0) -> list[Step]:
    return [
        (at - 0.4, K.HANDED_OVER, {"reason": reason}),
        (at - 0.2, K.BOT_ENDED, {"answered": False, "topic": None}),
        (at, K.QUEUE_JOINED, {"queue": "support", "priority": priority}),
    ]


def answered(at: float, operator: str, hold: float) -> list[Step]:
    return [
        (at - 6, K.OPERATOR_RINGING, {"operator": operator}),
        (at, K.OPERATOR_ANSWERED, {"operator": operator, "hold_seconds": hold, "ring_seconds": 6}),
        (at, K.QUEUE_LEFT, {"queue": "support", "reason": "answered"}),
    ]


def over(at: float, operator: str | None = None, talk: float = 0) -> list[Step]:
    left: list[Step] = (
        [(at - 0.1, K.OPERATOR_LEFT, {"operator": operator, "talk_seconds": talk})] if operator else []
    )
    return [*left, (at, K.ENDED, {"cause": "16"})]


GREETING = "Thank you for calling the lottery support line. This call is recorded."
MENU = "Say what you need after pressing one, or press zero for an operator at any time."
PRIZE_TAPE: list[Line] = [
    ("bot", 0.8, 5.2, GREETING),
    ("bot", 5.6, 10.4, MENU),
    ("bot", 12.3, 14.0, "How can I help you today?"),
    (
        "caller",
        15.1,
        20.3,
        "Hi, I sent in my claim form three weeks ago and the prize money has not arrived.",
    ),
    ("bot", 21.2, 24.6, "That is something for a person. I am connecting you, one moment please."),
    ("operator", 63.4, 67.0, "Lottery support, this is Grace. Am I speaking with Nora Whitfield?"),
    ("caller", 67.6, 71.2, "Yes, hello Grace. I have been waiting for a payout since the second."),
    (
        "operator",
        71.9,
        77.8,
        "I can see what you told our assistant, so you need not say it again. Let me find the claim.",
    ),
    (
        "operator",
        84.1,
        90.5,
        "Here it is. The bank returned the transfer because the account number has a digit missing.",
    ),
    ("caller", 91.0, 94.2, "Oh no. That was my handwriting, I suppose."),
    (
        "operator",
        94.8,
        99.6,
        "It happens. I will send you a secure form, and the transfer goes out again tomorrow.",
    ),
    ("caller", 100.4, 103.9, "Wonderful, that was quick. Do I need to call again?"),
    (
        "operator",
        104.3,
        109.0,
        "No. You will get a message once the money is on its way. Anything else I can do?",
    ),
    ("caller", 109.6, 111.4, "No, thank you very much."),
    ("operator", 111.9, 113.6, "Thank you for calling, goodbye."),
]
DRAW_TAPE: list[Line] = [
    ("bot", 0.8, 5.2, GREETING),
    ("bot", 5.6, 9.0, MENU),
    ("bot", 10.9, 12.5, "How can I help you today?"),
    ("caller", 13.6, 15.4, "When is the next draw?"),
    ("bot", 16.1, 21.3, "The next draw is on Wednesday at eight in the evening. Anything else?"),
    ("caller", 22.2, 23.6, "No, thank you, goodbye."),
    ("bot", 24.2, 25.6, "Good luck, and goodbye."),
]

VISITS = [
    Visit(
        0.6,
        ELENA,
        [*to_menu(), (14, K.MENU_CHOICE, {"menu": "main", "digit": "0"}), *queued(15, "pressed_zero", 10)],
    ),
    Visit(
        2.3,
        "+14155550162",
        [
            *to_menu(),
            *to_bot(9),
            told(10, "How can I help you today?"),
            heard(16, "I think somebody used my subscription number", "out_of_scope", 0.71),
            *queued(20, "out_of_scope"),
        ],
    ),
    Visit(0.3, MARCUS, [*to_menu(), *to_bot(8), told(9, "How can I help you today?")]),
    Visit(
        4.6,
        "+17185550129",
        [
            *to_menu(),
            (7, K.MENU_CHOICE, {"menu": "main", "digit": "0"}),
            *queued(8, "pressed_zero"),
            *answered(41, "102", 33),
        ],
    ),
    Visit(0.1, None, to_menu()),
    Visit(
        18,
        NORA,
        [
            *to_menu(),
            *to_bot(11.5),
            told(12.3, "How can I help you today?"),
            heard(
                20.3,
                "Hi I sent in my claim form three weeks ago and the prize money has not arrived",
                "out_of_scope",
                0.83,
            ),
            told(21.2, "That is something for a person. I am connecting you, one moment please."),
            *queued(25, "out_of_scope", 5),
            *answered(63, "101", 38),
            *over(114, "101", 51),
        ],
        PRIZE_TAPE,
    ),
    Visit(
        33,
        "+12025550119",
        [
            *to_menu(),
            *to_bot(10),
            told(10.9, "How can I help you today?"),
            heard(15.4, "When is the next draw", "next_draw", 0.94),
            told(
                16.1,
                "The next draw is on Wednesday at eight in the evening. Anything else?",
                "answer:next_draw",
            ),
            heard(23.6, "No thank you goodbye", "goodbye", 0.97),
            told(24.2, "Good luck, and goodbye."),
            (25.8, K.BOT_ENDED, {"answered": True, "topic": "next_draw"}),
            *over(26.2),
        ],
        DRAW_TAPE,
    ),
    Visit(
        47,
        "+13055550177",
        [
            *to_menu(),
            (5, K.MENU_CHOICE, {"menu": "main", "digit": "0"}),
            *queued(6, "pressed_zero"),
            (96, K.QUEUE_LEFT, {"queue": "support", "reason": "abandoned"}),
            *over(96.2),
        ],
        [("bot", 0.8, 5.2, GREETING)],
    ),
    Visit(
        61,
        None,
        [
            *to_menu(),
            (19, K.MENU_CHOICE, {"menu": "main", "digit": "3"}),
            (20, K.ANNOUNCED, {"option": "opening_hours"}),
            *over(33),
        ],
        [("bot", 0.8, 5.2, GREETING)],
    ),
    Visit(
        75,
        MARCUS,
        [
            *to_menu(),
            *to_bot(10),
            heard(15, "Can you check my ticket", "check_ticket", 0.91),
            told(16, "Please say the nine digits below the bar code."),
            heard(24, "", "nothing", 0.1),
            told(25, "I did not get that. Please say it once more."),
            heard(33, "mumble mumble", "nothing", 0.2),
            *queued(36, "not_understood"),
            (44, K.OPERATOR_RINGING, {"operator": "102"}),
            (59, K.OPERATOR_MISSED, {"operator": "102"}),
            *answered(72, "101", 36),
            *over(204, "101", 132),
        ],
        missing="The PBX left no recording of this call: look whether its disk is full.",
    ),
    Visit(
        94,
        "+16175550105",
        [
            *to_menu(),
            *queued(22, "no_input"),
            (82, K.QUEUE_LEFT, {"queue": "support", "reason": "timeout"}),
            (83, K.VOICEMAIL_STARTED, {}),
            *over(110),
        ],
        [("caller", 84, 108, "Hello, this is about the syndicate for the office. Please call me back.")],
    ),
    Visit(
        150,
        ELENA,
        [
            *to_menu(),
            (6, K.MENU_CHOICE, {"menu": "main", "digit": "0"}),
            *queued(7, "vip", 10),
            *answered(12, "101", 5),
            *over(301, "101", 289),
        ],
        PRIZE_TAPE,
    ),
]


async def add_customers(book: CustomerBook) -> dict[str, tuple[int, int]]:
    """The card index; gives number → (id, VIP level)."""
    cards = [("Nora Whitfield", NORA, 1), ("Marcus Bell", MARCUS, 0), ("Elena Vasquez-Moore", ELENA, 2)]
    return {number: ((await book.add(name, [number], vip)).id, vip) for name, number, vip in cards}


async def live_through(now: datetime, sessions: Sessions, store: Store, folder: Path) -> None:
    """Put the whole morning into the database and onto the shelf."""
    customers, book = (
        await add_customers(CustomerBook(sessions, deadline_s=20)),
        CallBook(sessions, deadline_s=20),
    )
    for visit in reversed(VISITS):
        await book.record(visit.events(now, customers))
        if visit.tape or visit.missing:
            await add_recording(visit, now, sessions, store, folder)


async def add_recording(visit: Visit, now: datetime, sessions: Sessions, store: Store, folder: Path) -> int:
    """A tape with the envelope of its phrases, and its transcript; gives the recording's id."""
    call_id = visit.call_id(now)
    row = Recording(call_id=call_id, created_at=now, missing_reason=visit.missing or None)
    if visit.tape:
        mp3 = folder / f"{call_id}.mp3"
        row.seconds = merge_stereo(_side(visit, folder, caller=True), _side(visit, folder, caller=False), mp3)
        caller, heard_side = peaks(mp3)
        row.key, row.sha256, row.bytes = store_key(call_id, now.date()), "0" * 64, mp3.stat().st_size
        row.peaks = {"caller": caller, "heard": heard_side}
        await store.put(row.key, mp3)
    async with writing(sessions) as session:
        session.add(row)
        await session.flush()
        recording_id = row.id
        if visit.tape:
            phrases = [
                Phrase(who, start, end, text, 0.9, words(start, end, text))
                for who, start, end, text in visit.tape
            ]
            session.add(
                Transcript(
                    recording_id=recording_id, language="en", engine="whisper tiny.en",
                    phrases=to_json(phrases), created_at=now,
                )
            )  # fmt: skip
    return recording_id


def words(start: float, end: float, text: str) -> tuple[Word, ...]:
    """A phrase's words, each as long as it is written."""
    per_letter, at, said = (end - start) / max(1, len(text)), start, []
    for word in text.split():
        said.append(Word(word, round(at, 2), round(at + len(word) * per_letter, 2), 0.9))
        at += (len(word) + 1) * per_letter
    return tuple(said)


def _side(visit: Visit, folder: Path, *, caller: bool) -> Path:
    lines = [line for line in visit.tape if (line[0] == "caller") is caller]
    name = f"{visit.minutes_ago}-{'caller' if caller else 'heard'}.wav"
    return write_wav(folder / name, voice_like(lines, max(line[2] for line in visit.tape) + 0.6))


def voice_like(lines: list[Line], seconds: float) -> NDArray[np.int16]:
    """Noise with the loudness of syllables and pauses where the phrases are; shape (n,), 8 kHz."""
    luck = np.random.default_rng(len(lines))
    at = np.arange(int(seconds * RATE)) / RATE
    loudness = np.full(at.shape, 0.004)
    for _, start, end, text in lines:
        inside = (at >= start) & (at < end)
        syllables = np.abs(np.sin(np.pi * 2.1 * (at[inside] - start))) ** 0.7
        swell = np.interp(at[inside], np.linspace(start, end, len(text)), luck.uniform(0.15, 1, len(text)))
        loudness[inside] += 0.55 * syllables * swell
    return (luck.normal(0, 0.3, at.shape) * loudness * 32767).clip(-32767, 32767).astype("<i2")
