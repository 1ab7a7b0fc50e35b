"""The scenario's look-ups in the company's system: what a caller of the bot wants to know.

Adapter between `voicebot.lookup`, which says what is asked and what an answer means, and `company.py`, which
asks. Each look-up is left alone by itself when it fails again and again. Nothing of an answer is kept.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Self

import aiohttp
from pydantic_core import from_json
from yarl import URL

from cti.customers.answers import LONGEST_ANSWER, BadAnswer
from cti.customers.breaker import Breaker
from cti.customers.company import FAILURES, PAUSE_S, Company, NotTold, System, Why, guarded_session
from voicebot.lookup import Answer, Failed, Lookup, Trouble, UnfitAnswer, Unknown, address, extract

TROUBLES = {
    Why.LATE: Trouble.LATE,
    Why.GONE: Trouble.GONE,
    Why.UNFIT: Trouble.UNFIT,
    Why.RESTING: Trouble.RESTING,
}


class LookupDesk:
    """All look-ups of one scenario; made by `connected`, which also closes it. Used from one event loop."""

    def __init__(self, base: str, lookups: Mapping[str, tuple[Lookup, Company[Answer]]]) -> None:
        """`base`: below it the paths lie; empty: nobody said where."""
        self._base = base.rstrip("/")
        self._lookups = dict(lookups)

    @classmethod
    @asynccontextmanager
    async def connected(
        cls,
        url: str,
        token: str,
        lookups: Mapping[str, Lookup],
        *,
        failures: int = FAILURES,
        pause_s: float = PAUSE_S,
    ) -> AsyncIterator[Self]:
        """Nothing is sent before the first question. `url`, `token`: of those look-ups that have a path."""
        async with AsyncExitStack() as stack:
            ours = await stack.enter_async_context(guarded_session(token))
            # A whole address in a scenario may be anybody's: it never gets the token.
            others = await stack.enter_async_context(guarded_session(""))
            yield cls(
                url,
                {
                    name: (
                        lookup,
                        _company(
                            name,
                            lookup,
                            ours if lookup.path is not None else others,
                            Breaker(failures=failures, pause_s=pause_s),
                        ),
                    )
                    for name, lookup in lookups.items()
                },
            )

    async def ask(self, name: str, values: Mapping[str, str]) -> Answer:
        """See `voicebot.lookup.LookUp`."""
        lookup, company = self._lookups[name]
        if lookup.path is not None and not self._base:
            return Failed(Trouble.NOT_SET_UP)
        try:
            place = address(lookup, values)
        except KeyError:  # a field that an earlier answer had no value for
            return Failed(Trouble.UNFIT)
        url = f"{self._base}/{place}" if lookup.path is not None else place
        try:
            return await company.ask(URL(url, encoded=True))
        except NotTold as error:
            return Failed(TROUBLES[error.why])


def _company(name: str, lookup: Lookup, session: aiohttp.ClientSession, breaker: Breaker) -> Company[Answer]:
    def read(status: int, content_type: str, body: bytes) -> Answer:
        return read_answer(lookup, status, content_type, body)

    system = System(
        f"look-up {name!r}",
        "lookup",
        "did not tell what a caller wanted to know",
        "callers who want it go to operators",
        "PRESSZERO_LOOKUPS_URL and PRESSZERO_LOOKUPS_TOKEN" if lookup.path else "its `url:` in the scenario",
        deadline_s=lookup.deadline_s,
    )
    return Company(session, system, read, breaker)


def read_answer(lookup: Lookup, status: int, content_type: str, body: bytes) -> Answer:
    """What the system says.

    Raises:
        BadAnswer: another status than 200 or 404, another type than JSON, or other contents than agreed.
    """
    if status == 404:
        return Unknown()
    if status != 200:
        raise BadAnswer(f"status {status}")
    if content_type != "application/json" and not content_type.endswith("+json"):
        raise BadAnswer("not application/json")
    if len(body) > LONGEST_ANSWER:
        raise BadAnswer(f"more than {LONGEST_ANSWER // 1024} kB")
    try:
        return extract(lookup, from_json(body, allow_inf_nan=False))
    except UnfitAnswer as error:
        raise BadAnswer(str(error)) from None
    except ValueError:
        raise BadAnswer("no JSON") from None  # the parser's message quotes a customer's data
