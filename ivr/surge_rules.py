"""When a surge begins and ends, and what callers then hear instead: the scenario's section `surge:`.

Pure models. The switch that applies them is `cti.waiting.surge`; what is wrong between sections is found by
`scenario_check`. The thresholds are plain counts: whoever writes the scenario knows the usual load, a service
that has just started does not.
"""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.types import StringConstraints


class _Rules(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Level(_Rules):
    """How much is going on."""

    waiting: Annotated[int, Field(ge=1, le=10_000)]  # callers in all queues together
    calls_per_minute: Annotated[int, Field(ge=1, le=100_000)]  # calls that came in the last minute


class Surge(_Rules):
    """Far more callers than usual."""

    begins_at: Level  # either of the two is enough
    ends_below: Level  # both must be below, for `calm_s` without a break
    calm_s: Annotated[int, Field(ge=1, le=3600)] = 60
    # In place of the main menu during business hours; None: the same menu.
    menu: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,31}$")] | None = None
    # How long callers wait before a call-back is offered; None: as always.
    call_back_offer_after_s: Annotated[int, Field(ge=1, le=3600)] | None = None

    @model_validator(mode="after")
    def _does_not_flap(self) -> Self:
        for name in Level.model_fields:
            if getattr(self.ends_below, name) >= getattr(self.begins_at, name):
                raise ValueError(f"`ends_below` must be lower than `begins_at`; {name} is not")
        return self
