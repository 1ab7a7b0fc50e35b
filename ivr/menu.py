"""The menu as a state machine: where a caller stands, plus a key or silence, gives what happens next.

Pure: no clock, no socket, no files. `reception` plays what a step asks for and brings back the key. Zero is
not a rule of any one state: `advance` looks at it before anything else.

    begin ──► intro (greeting, notice, [incident], [closed | surge]) ──► menu ⇄ announcement ──► good-bye
                                     └─ closed, no closed menu ──► voicemail
    everywhere: 0 ──► operator; too many tries ──► operator (closed: voicemail)
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from ivr.scenario import MAIN_MENU, Option, Scenario, announcement_name, invitation_name
from tickets.vocabulary import EventKind, HandOver

OPERATOR_KEY = "0"
ALL_KEYS = "0123456789*#"
LAST_CHANCE_S = 2  # after the last prompt before voicemail: time to reach for the zero
MAX_STEPS = 60  # a stuck key or a modem must not go round the menus for ever


class Next(StrEnum):
    """Where the dialplan takes the caller: the values of the channel variable PZ_NEXT."""

    OPERATOR = "operator"
    BOT = "bot"
    VOICEMAIL = "voicemail"
    BYE = "bye"


@dataclass(frozen=True)
class News:
    """Something for the ledger."""

    kind: EventKind
    data: dict[str, str]


@dataclass(frozen=True)
class Ask:
    """Play these prompts in turn, then wait; the first of `keys` ends both."""

    prompts: tuple[str, ...]  # names as in `Scenario.spoken`
    keys: str
    wait_s: int = 0


@dataclass(frozen=True)
class Leave:
    """The caller leaves reception. `reason` is there exactly when an operator is the next."""

    next: Next
    queue: str | None = None
    reason: HandOver | None = None


@dataclass(frozen=True)
class Incident:
    """What a supervisor wants every caller to know now."""

    number: int
    topic: str  # of the tickets of those who hear it and hang up
    prompt: str  # its name in the prompt book


class Stage(StrEnum):
    """What the caller is hearing."""

    INTRO = "intro"
    MENU = "menu"
    ANNOUNCEMENT = "announcement"
    GOODBYE = "goodbye"


@dataclass(frozen=True)
class State:
    """Where a caller stands in the menus."""

    stage: Stage
    open: bool  # business hours
    menu: str | None  # None: closed, and no menu for that
    tries: int = 0  # fruitless rounds of this menu
    digit: str = ""  # whose announcement is playing
    steps: int = 0
    incident: Incident | None = None  # is playing
    left: tuple[str, ...] = ()  # prompts of the introduction that follow it
    language: str = ""  # in which the prompts are; empty: the scenario's own


@dataclass(frozen=True)
class Step:
    """The next thing to do, the state that the answer belongs to, and what the ledger should know."""

    state: State
    do: Ask | Leave
    news: tuple[News, ...] = ()


def begin(
    scenario: Scenario,
    *,
    is_open: bool,
    surge: bool = False,
    incident: Incident | None = None,
    language: str = "",
) -> Step:
    """The first step of a call; `surge`: far more people call than usual; `language`: of this caller."""
    menu = _first_menu(scenario, surge) if is_open else scenario.hours.closed_menu
    prompts: tuple[str, ...] = ("greeting",)
    if scenario.prompts.recording_notice is not None:
        prompts += ("recording_notice",)
    left: tuple[str, ...] = ()
    if not is_open:
        left = ("closed",)
    elif surge and scenario.prompts.surge is not None:
        left = ("surge",)
    # The greeting is a part of the first menu: its keys count already.
    news = (_entered(menu),) if menu else ()
    state = State(Stage.INTRO, is_open, menu, language=language)
    if incident is None:
        return Step(state, _intro_ask(scenario, menu, prompts + left), news)
    # By itself, so that the ledger knows who has heard it out.
    ask = Ask((*prompts, incident.prompt), _intro_ask(scenario, menu, ()).keys)
    return Step(replace(state, incident=incident, left=left), ask, news)


def _intro_ask(scenario: Scenario, menu: str | None, prompts: tuple[str, ...]) -> Ask:
    # Who knows the menu may press ahead; a key that means nothing must not cut the recording notice short.
    keys = OPERATOR_KEY + "".join(scenario.menus[menu].options if menu else "")
    return Ask(prompts, keys, 0 if menu else LAST_CHANCE_S)


def _first_menu(scenario: Scenario, surge: bool) -> str:
    return (scenario.surge.menu if surge and scenario.surge else None) or MAIN_MENU


def advance(scenario: Scenario, state: State, key: str | None) -> Step:
    """What follows when the caller pressed `key`, or nothing (None), in `state`."""
    state = replace(state, steps=state.steps + 1)
    if key == OPERATOR_KEY:
        return _operator(scenario, state, HandOver.PRESSED_ZERO)
    if state.steps >= MAX_STEPS:
        return _give_up(scenario, state)
    if state.stage is Stage.GOODBYE:
        return Step(state, Leave(Next.BYE))
    if state.incident is not None and key is None:
        return _after_incident(scenario, state, state.incident)
    if state.menu is None:
        return Step(state, Leave(Next.VOICEMAIL))
    if state.stage is Stage.ANNOUNCEMENT:
        return _after_announcement(scenario, state, state.menu, key)
    if key is not None:
        return _chosen(scenario, replace(state, incident=None), state.menu, key)
    if state.stage is Stage.INTRO:
        return replace(_enter(scenario, state, state.menu), news=())
    return _again(scenario, state, state.menu, "no_input")


def _chosen(scenario: Scenario, state: State, menu: str, key: str) -> Step:
    option = scenario.menus[menu].options.get(key)
    if option is None:
        return _again(scenario, state, menu, "invalid")
    step = _follow(scenario, state, menu, key, option)
    choice = News(EventKind.MENU_CHOICE, {"menu": menu, "digit": key})
    return replace(step, news=(choice, *step.news))


def _follow(scenario: Scenario, state: State, menu: str, key: str, option: Option) -> Step:
    if option.menu is not None:
        return _enter(scenario, state, option.menu)
    if option.language is not None:
        return _in_language(scenario, replace(state, language=option.language), menu, option.language)
    if option.queue is not None:
        return _operator(scenario, state, HandOver.MENU_CHOICE, option.queue)
    if option.announce is not None:
        # Afterwards the same menu comes again, so its keys already count now.
        keys = ALL_KEYS if option.then == "menu" else OPERATOR_KEY
        told = replace(state, stage=Stage.ANNOUNCEMENT, digit=key)
        return Step(told, Ask((announcement_name(menu, key),), keys))
    return Step(state, Leave(Next.BOT if option.to == "bot" else Next.VOICEMAIL))


def _after_incident(scenario: Scenario, state: State, incident: Incident) -> Step:
    data = {"menu": state.menu or "", "option": incident.topic, "incident": str(incident.number)}
    state, left = replace(state, incident=None, left=()), state.left
    step = Step(state, _intro_ask(scenario, state.menu, left)) if left else advance(scenario, state, None)
    return replace(step, news=(News(EventKind.ANNOUNCED, data), *step.news))


def _after_announcement(scenario: Scenario, state: State, menu: str, key: str | None) -> Step:
    option = scenario.menus[menu].options[state.digit]
    if option.then == "goodbye":
        step = Step(replace(state, stage=Stage.GOODBYE), Ask(("goodbye",), OPERATOR_KEY, LAST_CHANCE_S))
    elif key is not None:
        step = _chosen(scenario, replace(state, stage=Stage.MENU, tries=0), menu, key)
    else:
        step = _enter(scenario, state, menu)
    if key is not None:
        return step  # cut short: the caller wanted something else
    told = News(EventKind.ANNOUNCED, {"menu": menu, "option": option.topic or f"{menu} {state.digit}"})
    return replace(step, news=(told, *step.news))


def _enter(scenario: Scenario, state: State, menu: str) -> Step:
    at_menu = replace(state, stage=Stage.MENU, menu=menu, tries=0)
    return Step(at_menu, _menu_ask(scenario, at_menu, menu), (_entered(menu),))


def _in_language(scenario: Scenario, state: State, menu: str, language: str) -> Step:
    step = _enter(scenario, state, menu)
    if scenario.prompts.recording_notice is not None and isinstance(step.do, Ask):
        # So far they were told in a language that is perhaps not theirs.
        step = replace(step, do=replace(step.do, prompts=("recording_notice", *step.do.prompts)))
    chosen = News(EventKind.LANGUAGE, {"language": language, "how": "key"})
    return replace(step, news=(chosen, *step.news))


def _again(scenario: Scenario, state: State, menu: str, why: str) -> Step:
    tries = state.tries + 1
    if tries > scenario.menus[menu].repeat:
        return _give_up(scenario, state)
    return Step(replace(state, stage=Stage.MENU, tries=tries), _menu_ask(scenario, state, menu, why))


def _menu_ask(scenario: Scenario, state: State, menu: str, *before: str) -> Ask:
    present = state.language or scenario.language
    invitations = [
        invitation_name(menu, digit)
        for digit, option in scenario.menus[menu].options.items()
        if option.invitation is not None and option.language != present
    ]
    return Ask((*before, f"menu-{menu}", *invitations), ALL_KEYS, scenario.menus[menu].timeout_s)


def _entered(menu: str) -> News:
    return News(EventKind.MENU_ENTERED, {"menu": menu})


def _give_up(scenario: Scenario, state: State) -> Step:
    if state.open:
        return _operator(scenario, state, HandOver.NO_INPUT)
    # Whoever says nothing at night need not wake the person on duty.
    return Step(state, Leave(Next.VOICEMAIL))


def _operator(scenario: Scenario, state: State, reason: HandOver, queue: str | None = None) -> Step:
    return Step(state, Leave(Next.OPERATOR, queue or scenario.default_queue, reason))
