"""What a load run is made of: kinds of callers, phases, and how many of whom ring when. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of caller; `name` is also that of the SIPp scenario they follow."""

    name: str
    weight: int  # of a hundred callers


KINDS = (
    Kind("menu", 20),  # hears an announcement
    Kind("zero", 35),  # wants a person and waits
    Kind("bot", 35),  # asks the bot a question, says thank you
    Kind("early", 10),  # puts the phone down in the greeting
)
PATIENCE_S = 90  # then whoever still waits puts the phone down


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of even load."""

    name: str
    seconds: int
    calls_per_minute: float

    def callers(self, kind: Kind) -> int:
        """How many of this kind ring in it."""
        return round(self.calls_per_minute * self.seconds / 60 * kind.weight / 100)


@dataclass(frozen=True, slots=True)
class Plan:
    """One run."""

    phases: tuple[Phase, ...]
    operators: int
    talk_s: int  # how long an operator talks, and up to six seconds more

    @property
    def callers(self) -> int:
        """All of them."""
        return sum(phase.callers(kind) for phase in self.phases for kind in KINDS)


def surge_plan(
    *, steady_per_minute: float, steady_s: int, times: int, surge_s: int, operators: int, talk_s: int
) -> Plan:
    """A steady load, then `times` as many."""
    return Plan(
        (
            Phase("steady", steady_s, steady_per_minute),
            Phase("surge", surge_s, steady_per_minute * times),
        ),
        operators,
        talk_s,
    )
