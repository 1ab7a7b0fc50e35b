"""Stories played at a running service's door, as a vendor would tell them; the vendor's own side beside it.

For `presszero simulate` and the demo. Knows simulators and HTTP; prints nothing.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from cti.virtual_pbx.settings import ConnectionSettings
from cti.virtual_pbx.simulators.port import Simulator
from cti.virtual_pbx.stories import Story
from cti.virtual_pbx.way import Way, seconds_long, sendings
from tickets.vocabulary import Direction

VENDORS_PATIENCE_S = 10.0  # with which the least patient vendor waits for an answer
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
NOBODYS = 100  # numbers that belong to nobody: +1 202 555 0100 … 0199


class NoDoor(Exception):
    """Nobody answers where the webhooks should go; the message says what to do."""


@dataclass
class Told:
    """One call as it is told."""

    story: Story  # as the vendor can tell it
    native: str  # the vendor's id of it
    answers: Counter[int] = field(default_factory=Counter)  # HTTP statuses; 0: nobody answered
    sent: int = 0
    again: int = 0
    lost: int = 0
    over: bool = False


class Player:
    """Tells calls to one connection's door. Used from one event loop."""

    def __init__(
        self,
        simulator: Simulator[Any],
        connection: ConnectionSettings,
        door: str,
        session: aiohttp.ClientSession,
        *,
        way: Way,
        dice: Random,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`door`: where the webhooks go, without the vendor's name: http://127.0.0.1:8090."""
        self._simulator, self._connection = simulator, connection
        self._address = f"{door.rstrip('/')}/{simulator.vendor}"
        self._session, self._way, self._dice, self._clock = session, way, dice, clock
        self.calls: list[Told] = []  # in the order in which they began

    async def answers(self) -> bool:
        """Whether the connection's door is open.

        Raises:
            NoDoor: nobody is there at all.
        """
        try:
            async with self._session.get(f"{self._address}/-/reach", timeout=_patience()) as answer:
                return answer.status != 404
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NoDoor(
                f"Nobody answers at {self._address}: start the service (`presszero serve`), or say with "
                "--door where its door for webhooks is."
            ) from error

    async def play(self, story: Story, native: str) -> Told:
        """Tell a call, from its first webhook to its last.

        Its last webhook bears the time of now, so that a faster telling began a while ago.
        """
        hooks = self._simulator.hooks(story, self._connection, self._clock(), native)
        early = timedelta(seconds=seconds_long(hooks) * (1 - 1 / self._way.speed))
        if early > timedelta(0):
            hooks = self._simulator.hooks(story, self._connection, self._clock() - early, native)
        told = Told(story.as_told(self._simulator.mute), native)
        self.calls.append(told)
        begun = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as group:
            for sending in sendings(hooks, self._way, self._dice):
                if sending.lost:
                    told.lost += 1
                    continue
                await asyncio.sleep(max(0.0, begun + sending.after_s - asyncio.get_running_loop().time()))
                told.again += sending.again
                told.sent += not sending.again
                hook = sending.hook
                url = f"{self._address}{hook.path}"
                group.create_task(self._send(told, hook.method, url, dict(hook.headers), hook.body))
        told.over = True
        return told

    async def _send(self, told: Told, method: str, url: str, headers: dict[str, str], body: bytes) -> None:
        try:
            request = self._session.request(method, url, data=body, headers=headers, timeout=_patience())
            async with request as answer:
                await answer.read()
                told.answers[answer.status] += 1
        except (aiohttp.ClientError, TimeoutError):
            told.answers[0] += 1


def _patience() -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=VENDORS_PATIENCE_S)


def from_somebody(story: Story, number: int) -> Story:
    """The same with a caller of its own, where the caller shows a number and is no operator."""
    if not story.caller or story.direction is Direction.INTERNAL:
        return story
    return replace(story, caller=f"+120255501{number % NOBODYS:02}")


def chosen(stories: Sequence[Story], calls: int | None, dice: Random) -> list[Story]:
    """Each story once; or so many calls of them, in any order."""
    picked = list(stories) if calls is None else [dice.choice(stories) for _ in range(calls)]
    return [from_somebody(story, number) for number, story in enumerate(picked)]


def local_api(simulator: Simulator[Any], connection: ConnectionSettings) -> int | None:
    """The port on this machine where the connection looks for the vendor's API; None: it looks elsewhere."""
    parts = urlsplit(simulator.api(connection))
    return parts.port if parts.hostname in LOOPBACK else None


@asynccontextmanager
async def vendors_side(
    simulator: Simulator[Any], connection: ConnectionSettings, port: int | None
) -> AsyncIterator[bool]:
    """Serve the vendor's API on that port of loopback while the block runs; False: there is nothing to serve.

    Raises:
        OSError: somebody else has the port.
    """
    app = simulator.vendor_side(connection) if port is not None else None
    if app is None:
        yield False
        return
    async with AsyncExitStack() as stack:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield True
