"""Slots, confirmation, repair, identity and look-ups in the dialogue, without sound, clock or sockets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import FIRST_PROMISE
from tests.fakes.scripts import trained
from tickets.vocabulary import HandOver
from voicebot.dialogue import Dialogue
from voicebot.lookup import Answer, Failed, Found, Trouble, Unknown
from voicebot.moves import (
    About,
    Finish,
    GiveToOperator,
    Heard,
    Input,
    Key,
    KeysPaused,
    LookedUp,
    LookUp,
    Note,
    Say,
    Silence,
    Step,
    StillLooking,
    TimeIsUp,
)
from voicebot.script import BotScript
from voicebot.understanding import Kind, Understood

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
SCRIPT: dict[str, Any] = {
    "lookups": {
        "ticket": {
            "path": "tickets/{ticket}",
            "fields": {"status": "status", "prize": "prize.amount"},
            "cases": [
                {"when": {"status": "won"}, "say": "Ticket {ticket} has won {prize} dollars. Well done!"},
                {"when": {"status": "lost"}, "say": "That ticket has not won."},
            ],
            "not_found": {"say": "I do not find ticket {ticket}.", "ask_again": "ticket"},
            "failed": "Our ticket system does not answer.",
        },
        "person": {"path": "people/{account}/{birth}", "fields": {"same": "matches", "holder": "id"}},
        "balance": {
            "path": "accounts/{holder}/balance",
            "fields": {"balance": "balance"},
            "otherwise": "You have {balance} dollars.",
        },
        "pick_up": {"path": "pick-up/{ticket}", "fields": {"shop": "shop"}, "otherwise": "At {shop}."},
    },
    "identity": {
        "slots": [
            {
                "name": "account",
                "kind": "digits",
                "length": 4,
                "ask": "The last four digits of your account?",
                "private": True,
            },
            {"name": "birth", "kind": "date", "ask": "Your date of birth?", "private": True},
        ],
        "lookup": "person",
        "when": {"same": True},
    },
    "questions": [
        {
            "name": "check_ticket",
            "topic": "Check a ticket",
            "phrases": ["check my ticket", "did my ticket win", "is my ticket a winner"],
            "slots": [
                {
                    "name": "ticket",
                    "kind": "digits",
                    "length": 8,
                    "ask": "What is its number?",
                    "again": "Please say or key in its eight digits.",
                    "confirm": "I heard {ticket}, is that right?",
                }
            ],
            "lookup": "ticket",
        },
        {
            "name": "where_to_collect",
            "topic": "Where to collect",
            "phrases": ["and where do I collect it", "where can I get it", "and where is that"],
            "follows": "check_ticket",
            "lookup": "pick_up",
        },
        {
            "name": "balance",
            "topic": "Balance",
            "phrases": ["what is my balance", "how much is in my account", "my account balance"],
            "private": True,
            "lookup": "balance",
        },
        {
            "name": "hours",
            "topic": "Opening hours",
            "phrases": ["when are you open", "what are your opening hours", "when do you close"],
            "confirm": "Is it about our hours?",
            "answer": "From eight to ten.",
        },
        {
            "name": "remind",
            "topic": "Reminder",
            "phrases": ["remind me of the draw", "send me a reminder", "I want a reminder"],
            "slots": [
                {"name": "day", "kind": "date", "ask": "On which day?"},
                {"name": "rows", "kind": "number", "ask": "How many rows?"},
                {"name": "sms", "kind": "yes_no", "ask": "By text message?"},
            ],
            "answer": "On {day} for {rows} rows.",
        },
    ],
}
DIALOGUE = Dialogue(BotScript.model_validate(SCRIPT), "en")
UNDERSTANDING = trained(DIALOGUE.script, "en")
NUMBER = "one two three four five six seven eight"


@dataclass
class Talk:
    """A conversation under test: `caller` speaks in plain words, as a recogniser would write them."""

    step: Step = field(default_factory=lambda: DIALOGUE.begin(NOW))
    notes: list[Note] = field(default_factory=list)

    def does(self, happened: Input) -> "Talk":
        self.step = DIALOGUE.step(self.step.state, happened)
        self.notes += [action for action in self.step.actions if isinstance(action, Note)]
        return self

    def says(self, *texts: str) -> "Talk":
        for text in texts:
            self.does(Heard(UNDERSTANDING.classify(text, self.step.state.after), text=text))
        return self

    def keys(self, digits: str) -> "Talk":
        for digit in digits:
            self.does(Key(digit))
        return self

    def company(self, answer: Answer) -> "Talk":
        return self.does(LookedUp(self.step.state.serial, answer))

    @property
    def prompts(self) -> list[str]:
        return [action.prompt for action in self.step.actions if isinstance(action, Say)]

    @property
    def spoken(self) -> str:
        says = [action for action in self.step.actions if isinstance(action, Say)]
        return " ".join(part.text for say in says for part in say.spoken)

    @property
    def told(self) -> str:
        return " ".join(action.text for action in self.step.actions if isinstance(action, Say))

    @property
    def asked(self) -> tuple[str, Mapping[str, str]] | None:
        found = [action for action in self.step.actions if isinstance(action, LookUp)]
        return (found[0].name, found[0].values) if found else None

    @property
    def reason(self) -> HandOver | None:
        found = [action.reason for action in self.step.actions if isinstance(action, GiveToOperator)]
        return found[0] if found else None

    def noted(self, about: About) -> list[tuple[str, bool]]:
        return [(note.value, note.sure) for note in self.notes if note.about is about]


def asked_for_ticket() -> Talk:
    return Talk().says("did my ticket win")


def looking() -> Talk:
    return asked_for_ticket().says(NUMBER, "yes")


def test_it_asks_for_the_number_says_it_back_looks_it_up_and_tells():
    talk = asked_for_ticket()
    assert talk.prompts == ["ask:ticket"]
    assert talk.says(NUMBER).told == "I heard 1 2 3 4, 5 6 7 8, is that right?"
    assert talk.says("yes that is right").asked == ("ticket", {"ticket": "12345678"})
    talk.company(Found({"status": "Won", "prize": 120}))
    assert talk.prompts == ["answer:check_ticket", "anything_else"]
    assert talk.spoken.startswith("Ticket 1 2 3 4, 5 6 7 8 has won 120 dollars. Well done!")
    assert talk.step.state.answered == "Check a ticket"


def test_what_is_said_while_the_company_is_asked_is_private_where_what_it_is_asked_with_is():
    def is_private(talk: Talk) -> bool:
        asking = talk.step.state.asking
        assert asking is not None
        assert asking.looking
        return DIALOGUE.is_private(talk.step.state)

    identity = Talk().says("what is my balance", "one two three four", "the third of May 1980")
    assert is_private(identity)
    identity.company(Found({"same": True}))
    assert is_private(identity)  # now for the balance itself
    assert not is_private(looking())


def test_it_renders_ahead_what_has_no_field():
    said = next(
        a for a in looking().company(Found({"status": "won", "prize": 1})).step.actions if isinstance(a, Say)
    )
    assert [(part.text, part.kept) for part in said.spoken] == [
        ("Ticket 1 2 3 4, 5 6 7 8 has won 1 dollars.", False),
        ("Well done!", True),
    ]
    assert "Well done!" in DIALOGUE.script.fixed_texts()


def test_it_says_a_number_back_in_pieces_that_are_all_rendered_ahead():
    said = next(action for action in asked_for_ticket().says(NUMBER).step.actions if isinstance(action, Say))
    assert [part.text for part in said.spoken] == ["I heard", *"12345678", "is that right?"]
    assert {part.text for part in said.spoken} <= set(DIALOGUE.script.fixed_texts())
    assert all(part.kept for part in said.spoken)
    pauses = [part.after_s for part in said.spoken[2:9]]
    assert pauses[3] > pauses[2], "the two halves are said apart"


def test_it_takes_the_number_out_of_the_question_itself():
    talk = Talk().says(f"did my ticket {NUMBER} win")
    assert talk.prompts == ["confirm:ticket"]


def test_it_takes_keys_and_needs_no_end_sign_at_the_full_length():
    talk = asked_for_ticket().keys("1234567")
    assert talk.prompts == []
    assert talk.keys("8").prompts == ["confirm:ticket"]
    assert talk.keys("1").asked == ("ticket", {"ticket": "12345678"})


def test_it_takes_a_zero_within_a_keyed_number_for_a_digit():
    assert asked_for_ticket().keys("10203040").told.startswith("I heard 1 0 2 0, 3 0 4 0")


def test_it_takes_a_zero_after_which_no_key_follows_for_the_wish_for_a_person():
    talk = asked_for_ticket().keys("120").does(KeysPaused())
    assert talk.reason is HandOver.PRESSED_ZERO
    assert talk.noted(About.SLOT) == [("120", False)]


def test_it_waits_for_who_looks_for_the_next_digit_but_not_for_ever():
    talk = asked_for_ticket().keys("123")
    for _ in range(3):
        assert talk.does(KeysPaused()).prompts == []
    assert talk.does(KeysPaused()).prompts == ["again:ticket"]


def test_it_is_not_disturbed_by_words_or_silence_while_somebody_keys_in():
    talk = asked_for_ticket().keys("1234").does(Silence()).says("let me see")
    assert talk.keys("5678").prompts == ["confirm:ticket"]


def test_it_puts_half_said_numbers_together():
    talk = asked_for_ticket().says("one two three four")
    assert talk.prompts == ["and_then"]
    assert talk.says("five six").says("seven eight").told == "I heard 1 2 3 4, 5 6 7 8, is that right?"


def test_it_does_not_count_twice_what_is_said_again_with_the_rest():
    talk = asked_for_ticket().says("one two three", "one two three four")
    assert talk.says("five six seven eight").told.startswith("I heard 1 2 3 4, 5 6 7 8")


def test_it_takes_the_whole_number_of_who_begins_anew():
    talk = asked_for_ticket().says("one two three", "eight seven six five four three two one")
    assert talk.told.startswith("I heard 8 7 6 5, 4 3 2 1")


def test_it_lets_a_no_with_the_right_number_replace_the_wrong_one():
    talk = asked_for_ticket().says(NUMBER, "no, eight seven six five four three two one")
    assert talk.told.startswith("I heard 8 7 6 5, 4 3 2 1")
    assert talk.says("yes").asked == ("ticket", {"ticket": "87654321"})


def test_it_takes_the_same_number_said_again_for_a_yes():
    assert asked_for_ticket().says(NUMBER, NUMBER).asked == ("ticket", {"ticket": "12345678"})


def test_it_asks_again_after_a_no_and_hands_over_after_the_second():
    talk = asked_for_ticket().says(NUMBER, "no")
    assert talk.prompts == ["again:ticket"]
    talk.says(NUMBER, "no")
    assert talk.reason is HandOver.NOT_UNDERSTOOD


def test_it_hands_over_what_was_heard_though_not_confirmed():
    talk = asked_for_ticket().says(NUMBER, "I want to talk to a person")
    assert talk.reason is HandOver.ASKED
    assert talk.noted(About.WANTED) == [("", True)]
    assert talk.noted(About.SLOT) == [("12345678", False)]


def test_it_hands_over_after_two_fruitless_turns_for_a_slot():
    talk = asked_for_ticket().says("it is the blue one")
    assert talk.prompts == ["again:ticket"]
    assert talk.says("I really mean the blue one").reason is HandOver.NOT_UNDERSTOOD


def test_it_tells_silence_from_not_understanding():
    assert asked_for_ticket().does(Silence()).does(Silence()).reason is HandOver.SILENCE


def test_it_does_not_take_a_number_back_without_end():
    numbers = ["one " * 8, "two " * 8, "three " * 8]
    talk = asked_for_ticket().says(NUMBER, *(f"no {number}" for number in numbers))
    assert talk.reason is HandOver.NOT_UNDERSTOOD


def test_it_answers_another_question_instead():
    talk = asked_for_ticket().says("when are you open")
    assert talk.prompts == ["answer:hours", "anything_else"]
    assert talk.step.state.asking is None


def test_it_leaves_a_question_that_the_caller_gives_up():
    talk = asked_for_ticket().says("thank you bye")
    assert talk.prompts == ["anything_else"]


def test_it_bridges_a_slow_look_up_and_hears_only_zero_and_persons_meanwhile():
    talk = looking()
    assert talk.does(StillLooking(talk.step.state.serial)).prompts == ["one_moment"]
    assert talk.says("hello are you there").does(Silence()).keys("5").step.actions == ()
    assert talk.keys("0").reason is HandOver.PRESSED_ZERO


def test_who_was_not_understood_during_a_look_up_nor_behind_its_answer_gets_a_person():
    talk = looking().says("I believe it").company(Found({"status": "lost"}))
    assert talk.says("I believe it").reason is HandOver.NOT_UNDERSTOOD


def test_it_ignores_the_answer_to_a_question_that_is_over():
    talk = looking()
    serial = talk.step.state.serial
    talk.company(Found({"status": "lost"}))
    assert talk.does(LookedUp(serial, Unknown())).step.actions == ()
    assert talk.does(StillLooking(serial)).step.actions == ()


@pytest.mark.parametrize("trouble", Trouble)
def test_it_hands_over_with_the_reason_when_the_company_does_not_answer(trouble: Trouble):
    talk = looking().company(Failed(trouble))
    assert talk.prompts == ["failed:ticket", "handing_over"]
    assert talk.reason is HandOver.LOOK_UP
    assert talk.noted(About.SLOT) == [("12345678", True)]
    assert talk.noted(About.LOOKUP) == [(trouble.value, True)]


@pytest.mark.parametrize("fields", [{}, {"status": "burnt"}, {"status": "won"}])
def test_it_takes_an_answer_for_which_there_are_no_words_for_a_failure(fields: dict[str, str]):
    talk = looking().company(Found(fields))
    assert talk.reason is HandOver.LOOK_UP
    assert talk.noted(About.LOOKUP) == [("unfit", True)]


def test_it_asks_once_more_for_a_number_that_the_company_does_not_know():
    talk = looking().company(Unknown())
    assert talk.told == "I do not find ticket 1 2 3 4, 5 6 7 8. What is its number?"
    talk.says(NUMBER, "yes").company(Unknown())
    assert talk.reason is HandOver.LOOK_UP
    assert talk.noted(About.LOOKUP) == [("not_found", True)] * 2


def test_it_answers_a_follow_up_with_what_it_knows_from_before():
    talk = looking().company(Found({"status": "lost"})).says("and where do I collect it")
    assert talk.asked == ("pick_up", {"ticket": "12345678"})
    assert talk.company(Found({"shop": "the station"})).spoken.startswith("At the station.")


def test_it_takes_a_follow_up_for_one_only_right_after_its_question():
    assert Talk().says("and where is that").asked is None


def prove() -> Talk:
    return Talk().says("what is my balance", "one two three four", "the fourth of May 1980")


def test_it_checks_who_it_is_before_a_private_answer_and_once_only():
    talk = Talk().says("what is my balance")
    assert talk.prompts == ["identity", "ask:account"]
    assert talk.says("one two three four").prompts == ["ask:birth"]
    assert talk.says("the fourth of May 1980").asked == ("person", {"account": "1234", "birth": "1980-05-04"})
    talk.company(Found({"same": True, "holder": "A-7"}))
    assert talk.prompts == ["passed"]
    assert talk.asked == ("balance", {"holder": "A-7"})
    assert talk.company(Found({"balance": 34.5})).spoken.startswith("You have 34.50 dollars.")
    assert talk.says("what is my balance").asked == ("balance", {"holder": "A-7"})


def test_it_keeps_private_values_out_of_the_ledger():
    talk = prove().company(Found({"same": True, "holder": "A-7"})).company(Found({"balance": 1234.5}))
    assert talk.noted(About.SLOT) == [("••34", True), ("••04", True)]
    assert talk.told.startswith("You have ••50 dollars.")
    assert DIALOGUE.is_private(Talk().says("what is my balance").step.state)
    assert not DIALOGUE.is_private(asked_for_ticket().step.state)


@pytest.mark.parametrize("answer", [Found({"same": False}), Found({}), Unknown()])
def test_it_hands_over_who_can_not_prove_who_they_are_twice(answer: Answer):
    talk = prove().company(answer)
    assert talk.prompts == ["not_passed", "ask:account"]
    talk.says("one two three four", "the fourth of May 1980").company(answer)
    assert talk.reason is HandOver.IDENTITY
    assert talk.noted(About.IDENTITY) == [("not_proved", True)] * 2


def test_it_counts_failed_checks_over_the_whole_conversation():
    talk = prove().company(Unknown()).says("when are you open")
    talk.says("what is my balance", "one two three four", "the fourth of May 1980").company(Unknown())
    assert talk.reason is HandOver.IDENTITY


def test_it_tells_a_broken_check_from_a_failed_one():
    assert prove().company(Failed(Trouble.LATE)).reason is HandOver.LOOK_UP


def test_it_takes_dates_numbers_and_yes_by_voice_and_by_keys():
    by_voice = Talk().says("I want a reminder", "the fourth of May 2027", "three", "no")
    by_keys = Talk().says("I want a reminder").keys("20270504").keys("3#").keys("2")
    for talk in (by_voice, by_keys):
        assert talk.spoken.startswith("On May 4, 2027 for 3 rows.")
        assert talk.noted(About.SLOT)[-1] == ("no", True)


def test_it_leaves_out_a_sentence_about_a_customer_whom_it_does_not_know():
    script = BotScript.model_validate({**SCRIPT, "greeting": "Hello {customer}. How can I help?"})
    dialogue = Dialogue(script, "en")
    assert [a.text for a in dialogue.begin(NOW).actions if isinstance(a, Say)] == ["How can I help?"]
    known = dialogue.begin(NOW, "Grace Hill").actions[0]
    assert isinstance(known, Say)
    assert known.text == "Hello Grace Hill. How can I help?"


# --- whatever the caller does ---

QUESTIONS = [question.name for question in DIALOGUE.script.questions]
TEXTS = [NUMBER, "one two", "seven", "the fourth of May 1980", "no one two three", "what", ""]
ANSWERS: list[Answer] = [
    Found({"status": "won", "prize": 5, "same": True, "holder": "A-7", "balance": 1, "shop": "x"}),
    Found({"same": False}),
    Found({}),
    Unknown(),
    Failed(Trouble.LATE),
]


def understood(kind: Kind, name: str, text: str, clear: bool) -> Heard:
    is_it, may_be = (name if kind is wanted else None for wanted in (Kind.QUESTION, Kind.OUT_OF_SCOPE))
    return Heard(Understood(kind, is_it, 0.9, clear, may_be), clear, text)


WORDS = st.builds(
    understood, st.sampled_from(list(Kind)), st.sampled_from(QUESTIONS), st.sampled_from(TEXTS), st.booleans()
)
KEYS = st.sampled_from([Key(digit) for digit in "0123456789*#A"])
ANYTHING = st.one_of(
    WORDS,
    KEYS,
    st.sampled_from([Silence(), KeysPaused(), TimeIsUp()]),
    st.integers(0, 4).map(lambda place: ANSWERS[place]),
)


def play(happenings: list[Input | Answer]) -> Step:
    """Company's answers are to the look-up under way, whichever that is."""
    step = DIALOGUE.begin(NOW)
    for happened in happenings:
        if isinstance(happened, Found | Unknown | Failed):
            happened = LookedUp(step.state.serial, happened)
        step = DIALOGUE.step(step.state, happened)
    return step


@FIRST_PROMISE
@given(st.lists(ANYTHING, max_size=25))
def test_it_gives_a_person_to_whoever_asks_in_every_state(happenings: list[Input | Answer]):
    state = play(happenings).state
    if state.over:
        return
    asked = DIALOGUE.step(state, understood(Kind.OPERATOR, "", NUMBER, False))
    assert GiveToOperator(HandOver.ASKED) in asked.actions


@FIRST_PROMISE
@given(st.lists(ANYTHING, max_size=25))
def test_zero_is_a_person_in_every_state_or_a_digit_of_a_number_that_goes_on(
    happenings: list[Input | Answer],
):
    state = play(happenings).state
    if state.over:
        return
    pressed = DIALOGUE.step(state, Key("0"))
    if not state.typing:
        assert pressed.actions[-1] == GiveToOperator(HandOver.PRESSED_ZERO)
    elif pressed.state.typing:  # not at its end: if no other key follows, it was the wish for a person
        paused = DIALOGUE.step(pressed.state, KeysPaused())
        whole = not paused.state.typing
        assert whole or paused.actions[-1] == GiveToOperator(HandOver.PRESSED_ZERO)
    else:  # a number's last digit; the next zero is none
        again = DIALOGUE.step(pressed.state, Key("0"))
        assert pressed.state.over or again.actions[-1] == GiveToOperator(HandOver.PRESSED_ZERO)


FRUITLESS = st.one_of(
    st.builds(
        understood,
        st.sampled_from([Kind.OUT_OF_SCOPE, Kind.YES, Kind.NO, Kind.GOODBYE, Kind.NOTHING]),
        st.just(""),
        st.sampled_from(["what", ""]),
        st.booleans(),
    ),
    st.sampled_from([Key("*"), Key("A"), Silence()]),
)
DEAD_ENDS = st.sampled_from([Unknown(), Failed(Trouble.GONE), Found({"same": False})])


@FIRST_PROMISE
@given(st.lists(ANYTHING, max_size=20), st.lists(st.tuples(FRUITLESS, DEAD_ENDS), min_size=40, max_size=40))
def test_it_never_keeps_a_caller_in_circles(
    happenings: list[Input | Answer], turns: list[tuple[Input, Answer]]
):
    state = play(happenings).state
    needed = 0
    for happened, answer in turns:
        if state.over:
            break
        needed += 1
        state = DIALOGUE.step(state, happened).state
        if state.asking is not None and state.asking.looking:
            state = DIALOGUE.step(state, LookedUp(state.serial, answer)).state
        if state.closing:
            state = DIALOGUE.step(state, Silence()).state
    assert state.over, "the caller is still with the bot"
    assert needed <= 20


@FIRST_PROMISE
@given(st.lists(ANYTHING, max_size=30))
def test_it_decides_once_and_only_once(happenings: list[Input | Answer]):
    step = DIALOGUE.begin(NOW)
    for happened in happenings:
        if isinstance(happened, Found | Unknown | Failed):
            happened = LookedUp(step.state.serial, happened)
        before, step = step.state, DIALOGUE.step(step.state, happened)
        decided = any(isinstance(action, Finish | GiveToOperator) for action in step.actions)
        assert decided == (step.state.over and not before.over)
