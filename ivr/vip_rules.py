"""Who goes first in a queue, as whoever runs the house decides it: the scenario's section `vip:`.

Pure models. The policy that applies them is `cti.waiting.ageing`; that a level is never worse off than
the one below it is checked by `scenario_check`.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

WINDOW = 10  # the answers in a row of which `most_in_ten` speaks


class _Rules(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class VipLevel(_Rules):
    """What waiting counts for: the head start, and each second of waiting `speed` times."""

    head_start_s: Annotated[int, Field(ge=0, le=3600)] = 0
    speed: Annotated[float, Field(ge=1, le=100)] = 1

    def counts(self, waited_s: float) -> float:
        """Seconds that a wait counts for. Whoever has the most is next."""
        return self.head_start_s + self.speed * waited_s


NO_VIP = VipLevel()


class Vip(_Rules):
    """The levels. Without any, whoever came first is first."""

    levels: dict[Annotated[int, Field(ge=1, le=9)], VipLevel] = {}
    # Of ten answers in a row, at most so many may pass over somebody who has waited longer. Never all ten:
    # it is what makes sure that nobody waits for ever.
    most_in_ten: Annotated[int, Field(ge=1, le=9)] = 5

    def of(self, vip_level: int) -> VipLevel:
        """The rules for a customer of that level: those of the highest level in the file not above it."""
        fitting = [level for level in self.levels if level <= vip_level]
        return self.levels[max(fitting)] if fitting else NO_VIP

    def joining_priority(self, vip_level: int) -> int:
        """The QUEUE_PRIO with which such a customer joins: it holds while nobody applies the ageing."""
        return 10 * sum(level <= vip_level for level in self.levels)
