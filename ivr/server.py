"""The FastAGI door: accepts Asterisk and hands each connection, once it introduced itself, to reception.

Whoever else connects (a port scan, a health check, a stuck client) costs one deadline and changes nothing for
calls in progress. It may not know what reception does with a caller.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import cast

import structlog

from ivr.agi import HEADER_BYTES, AgiError, AgiSession, CallerHungUp, read_request

_log = structlog.get_logger()

Serve = Callable[[AgiSession], Awaitable[None]]

GOODBYE_S = 1.0  # for the last bytes to leave
SESSION_S = 3600.0  # nobody is an hour in a menu; then the dialplan takes the caller to the operators
STRANGER_S = 0.5  # a PBX introduces its call at once: who has not by then makes room when it is needed


class FastAgiServer:
    """Listens on `host`:`port` (0: any free one, then see `port`); a task for each connection."""

    def __init__(
        self,
        host: str,
        port: int,
        serve: Serve,
        *,
        connections: int = 500,
        header_s: float = 2.0,
        session_s: float = SESSION_S,
    ) -> None:
        self._host = host
        self.port = port
        self._serve = serve
        self._limit = connections
        self._header_s, self._session_s = header_s, session_s
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()
        self._strangers: dict[asyncio.Task[None], float] = {}  # not introduced yet, since when; oldest first

    @property
    def connections(self) -> int:
        """How many are open now."""
        return len(self._open)

    async def start(self) -> None:
        """Begin to listen.

        Raises:
            OSError: the port is taken or not ours to take.
        """
        self._server = await asyncio.start_server(
            self._accept, self._host, self.port, limit=HEADER_BYTES, backlog=256
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def served(self) -> None:
        """Return when the sessions that are open now are over."""
        if self._open:
            await asyncio.wait(set(self._open))

    def let_go(self) -> None:
        """End the open sessions: their dialplans go on to the operators."""
        for task in self._open:
            task.cancel()

    async def stop(self) -> None:
        """Stop listening and let go of all calls."""
        if self._server is not None:
            self._server.close()
        self.let_go()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())  # we are always in one
        if len(self._open) >= self._limit and not self._make_room():
            _log.warning("more AGI connections than the limit: turned away", action="agi_full")
            writer.transport.abort()
            return
        self._open.add(task)
        self._strangers[task] = asyncio.get_running_loop().time()
        try:
            await self._attend(task, reader, writer)
        except asyncio.CancelledError:
            pass  # by `stop`, or to make room; asyncio's streams would report it as a failure
        finally:
            self._open.discard(task)
            self._strangers.pop(task, None)
            writer.close()
            # The peer may be gone, or read nothing any more: neither is worth waiting for.
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(GOODBYE_S):
                    await writer.wait_closed()
            writer.transport.abort()

    def _make_room(self) -> bool:
        """Send away who has been silent for longest; False where all are callers, or have just come."""
        for task, since in self._strangers.items():
            if asyncio.get_running_loop().time() - since < STRANGER_S:
                return False
            del self._strangers[task]
            task.cancel()
            return True
        return False

    async def _attend(
        self, task: "asyncio.Task[None]", reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            async with asyncio.timeout(self._header_s):
                request = await read_request(reader)
            del self._strangers[task]
        except CallerHungUp:
            return  # connect-and-close: a health check
        except TimeoutError:
            _log.info("an AGI client did not introduce itself", action="agi_silent")
            return
        except AgiError as error:
            _log.warning("not an AGI client", action="agi_refused", reason=str(error))
            return
        try:
            async with asyncio.timeout(self._session_s):
                await self._serve(AgiSession(request, reader, writer))
        except CallerHungUp:
            pass  # the call is over; the PBX tells that by its own events
        except TimeoutError:
            _log.warning(
                "an AGI session took too long: its caller goes to the operators", action="agi_endless"
            )
        except Exception as error:
            # The door must stay open for others, whatever one call did; its dialplan goes on without us.
            _log.exception("an AGI session failed", action="agi_failed", error=type(error).__name__)
