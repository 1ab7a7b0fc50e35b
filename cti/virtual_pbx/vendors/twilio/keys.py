"""What a key means that Twilio reports: any key ends a prompt there, in our menus only some do. Pure."""

from dataclasses import dataclass, replace

from ivr.menu import ALL_KEYS, OPERATOR_KEY, Stage, State, Step, begin
from ivr.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Pressed:
    """A key, or none. `again`: it means nothing here, so what it cut short is played again."""

    key: str | None
    again: bool = False


def pressed(scenario: Scenario, state: State, digits: str) -> Pressed:
    """What came for what was asked in `state`."""
    key = digits[-1:]
    if not key or key not in ALL_KEYS:
        return Pressed(None)
    if state.stage is Stage.INTRO:
        offered = OPERATOR_KEY + "".join(scenario.menus[state.menu].options if state.menu else "")
        # Whoever leans on a key hears the notice of the recording all the same.
        return Pressed(key) if key in offered else Pressed(None, again=True)
    if state.stage is Stage.GOODBYE or (state.stage is Stage.ANNOUNCEMENT and _is_last(scenario, state)):
        return Pressed(key if key == OPERATOR_KEY else None)
    return Pressed(key)


def intro_again(scenario: Scenario, state: State) -> Step:
    """What was cut short, from its beginning."""
    surge = scenario.surge is not None and state.menu is not None and state.menu == scenario.surge.menu
    step = begin(scenario, is_open=state.open, surge=surge, incident=state.incident, language=state.language)
    return Step(replace(step.state, steps=state.steps + 1), step.do)


def _is_last(scenario: Scenario, state: State) -> bool:
    return state.menu is not None and scenario.menus[state.menu].options[state.digit].then == "goodbye"
