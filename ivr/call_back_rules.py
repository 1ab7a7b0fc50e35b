"""When a call-back is offered, and how often the house tries: the scenario's section `call_back:`.

Pure model. What callers hear of it stands under `prompts:` (`call_back_…`), and `scenario_check` sees that it
does; `cti.waiting.call_backs` applies the rest.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

PROMPTS = ("call_back_offer", "call_back_confirm", "call_back_promised", "call_back_greeting")
"""What a scenario that offers call-backs has to say."""


ANSWER_S = 4  # of quiet after `call_back_confirm`


class CallBackRules(BaseModel):
    """How the house calls back."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    offer_after_s: Annotated[int, Field(ge=1, le=3600)] = 60  # in the queue; earlier in a surge
    offer_every_s: Annotated[int, Field(ge=20, le=3600)] = 90
    attempts: Annotated[int, Field(ge=1, le=20)] = 3  # then it waits for a person at the desk
    retry_after_s: Annotated[int, Field(ge=30, le=86_400)] = 600
    ring_s: Annotated[int, Field(ge=5, le=120)] = 30
