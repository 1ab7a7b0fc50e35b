"""Where a caller stands in the menus, as a word in an address, and back. Pure.

The word is nothing for people: JSON in base64, so that no proxy writes any of its letters otherwise, which
would spoil Twilio's signature.
"""

import base64
import binascii
import json
from dataclasses import asdict
from typing import Any

from ivr.menu import Incident, Stage, State
from ivr.scenario import Scenario


class NoPlace(Exception):
    """No such word, or one of another scenario: the caller gets a person."""


def word_of(state: State) -> str:
    """The word."""
    told = {name: value for name, value in asdict(state).items() if value not in (None, "", 0, ())}
    return base64.urlsafe_b64encode(json.dumps(told, separators=(",", ":")).encode()).decode().rstrip("=")


def state_of(word: str, scenario: Scenario) -> State:
    """The state.

    Raises:
        NoPlace: see there.
    """
    try:
        told: Any = json.loads(base64.urlsafe_b64decode(word + "=" * (-len(word) % 4)))
        state = State(
            stage=Stage(told["stage"]),
            open=bool(told.get("open", False)),
            menu=told.get("menu"),
            tries=int(told.get("tries", 0)),
            digit=str(told.get("digit", "")),
            steps=int(told.get("steps", 0)),
            incident=_incident(told.get("incident")),
            left=tuple(str(name) for name in told.get("left", ())),
            language=str(told.get("language", "")),
        )
    except (ValueError, binascii.Error, KeyError, TypeError, AttributeError, RecursionError):
        raise NoPlace from None
    if state.menu is not None and state.menu not in scenario.menus:
        raise NoPlace
    if state.stage is Stage.ANNOUNCEMENT and state.digit not in scenario.menus[state.menu or ""].options:
        raise NoPlace
    return state


def _incident(told: Any) -> Incident | None:
    return None if told is None else Incident(int(told["number"]), str(told["topic"]), str(told["prompt"]))
