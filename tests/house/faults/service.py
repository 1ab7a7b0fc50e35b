"""The real service with a recogniser and a clock that the harness can spoil, as a program of its own.

The product has no hooks for tests: its recogniser is wrapped where it is chosen, and the names `datetime` and
`time` in its modules are replaced, which is what a stepped clock looks like from inside.
"""

import datetime as machine
import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import cti.bot.capacity
import cti.speech
from recordings.transcript import Recognised
from tests.house.faults.levers import LEVERS, Pulled, Seen, holding_file
from voicebot.recognizers.port import Listening, Recognizer

HOLD_S = 6.0  # a held recogniser goes on by itself after that
LOOK_S = 0.05
ROOMS = ("cti", "ivr", "voicebot", "recordings", "tickets")


class EngineCrash(RuntimeError):
    """What the harness's engine dies of."""


class SpoiltRecognizer:
    """An engine that hangs or crashes when the harness says so."""

    def __init__(self, engine: Recognizer, pulled: Callable[[], Pulled], holding: Path) -> None:
        self.engine = engine
        self.name, self.language, self.streams = engine.name, engine.language, engine.streams
        self.takes_grammar = engine.takes_grammar
        self._pulled, self._holding = pulled, holding

    def line(self) -> "SpoiltRecognizer":
        return self

    def start(self, grammar: Sequence[str] | None = None) -> Listening:
        return _SpoiltListening(self.engine.start(grammar), self)

    def transcribe(self, pcm: bytes) -> Recognised:
        self.suffer(live=False)
        return self.engine.transcribe(pcm)

    def suffer(self, *, live: bool) -> None:
        """Be held up, hang, or crash."""
        since = time.monotonic()
        while (how := self._pulled().recogniser) == "hang" or (
            how == "hold" and live and time.monotonic() - since < HOLD_S
        ):
            if how == "hold":
                self._holding.touch()
            time.sleep(LOOK_S)
        if how == "crash":
            raise EngineCrash


class _SpoiltListening:
    def __init__(self, listening: Listening, spoilt: SpoiltRecognizer) -> None:
        self._listening, self._spoilt = listening, spoilt

    def accept(self, pcm: bytes) -> str | None:
        return self._listening.accept(pcm)

    def result(self) -> Recognised:
        self._spoilt.suffer(live=True)
        return self._listening.result()


def spoil_recogniser(pulled: Callable[[], Pulled], holding: Path) -> None:
    """To be called before the composition root is imported."""
    choose = cti.speech.choose_recognizer

    def chosen(*arguments: Any, **named: Any) -> Recognizer:
        return SpoiltRecognizer(choose(*arguments, **named), pulled, holding)

    cti.speech.choose_recognizer = chosen


def step_clock(pulled: Callable[[], Pulled]) -> None:
    """To be called when every module of the product has been imported."""

    class _Whatever(type):
        def __instancecheck__(cls, thing: object) -> bool:
            return isinstance(thing, machine.datetime)

    class Stepped(machine.datetime, metaclass=_Whatever):
        @classmethod
        def now(cls, tz: machine.tzinfo | None = None) -> machine.datetime:  # type: ignore[override]
            return machine.datetime.now(tz) + machine.timedelta(seconds=pulled().clock_s)

    class SteppedTime(ModuleType):
        def __getattr__(self, name: str) -> Any:
            return getattr(time, name)

        @staticmethod
        def time() -> float:
            return time.time() + pulled().clock_s

    stepped_time = SteppedTime("time")
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in ROOMS:
            if getattr(module, "datetime", None) is machine.datetime:
                module.datetime = Stepped  # type: ignore[attr-defined]
            if getattr(module, "time", None) is time:
                module.time = stepped_time  # type: ignore[attr-defined]


def never_full() -> None:
    """A busy test machine must not keep callers from the bot: there a fault is to find them."""
    cti.bot.capacity.FULL = math.inf
    cti.bot.capacity.LATE = math.inf


def main() -> None:
    file = Path(os.environ[LEVERS])
    seen = Seen(file)
    spoil_recogniser(seen, holding_file(file))
    import cti.app
    import cti.cli

    step_clock(seen)
    never_full()
    cti.cli.serve()


if __name__ == "__main__":
    main()
