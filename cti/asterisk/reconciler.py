"""Brings the ledger level with the PBX: at start, after each reconnect, and now and then for what slipped by.

Knows whom to ask (AMI lists, the CDR file, the ledger) and in which order; what follows from the answers is
decided by the pure `comparison.py` and `cdr.py`. Running it twice changes nothing: all facts have stable ids.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import structlog

from cti.asterisk import cdr
from cti.asterisk.ami import AmiCut, AmiLate, AmiRefused, AmiReply, BadAmiValue
from cti.asterisk.cdr import CdrRow, UnreadableCdr
from cti.asterisk.comparison import Comparison, callers, compare
from cti.asterisk.events import AmiEvent, ListedChannel, WaitingCaller
from cti.asterisk.translate import NO_RECORD, Normalise, Translator, ended
from tickets.call import Call
from tickets.database import DatabaseTrouble
from tickets.events import CallEvent, Publish

log = structlog.get_logger()

_READ_AT_ONCE = 256 << 10  # bytes of the CDR file: some thirty milliseconds of thinking
_ASK_AT_ONCE = 400  # call ids in one question to the ledger


class AsksPbx(Protocol):
    """The part of `AmiLink` that is needed here."""

    async def list_action(self, name: str, /) -> list[AmiEvent]: ...

    async def action(self, name: str, /, **fields: str) -> AmiReply: ...


class CdrFile:
    """Reads what was added to the CDR file since the last time. Blocking: use from a thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._inode = 0

    def more(self) -> list[CdrRow]:
        """The next complete lines, up to some hundreds of kilobytes; empty at the end or without a file.

        Raises:
            OSError: the file cannot be read.
        """
        while whole := self._lines():
            rows, unreadable = [], None
            for line in whole.split("\n")[:-1]:  # not at the other line ends that a caller's name may hold
                try:
                    rows.append(cdr.read_line(line))
                except UnreadableCdr as error:
                    unreadable = error
            if unreadable is not None:
                log.warning(str(unreadable), action="cdr_unreadable")
            if rows:
                return rows
        return []

    def _lines(self) -> str:
        try:
            with self._path.open("rb") as file:
                about = os.fstat(file.fileno())
                if about.st_ino != self._inode or about.st_size < self._offset:  # rotated, or made anew
                    self._offset, self._inode = 0, about.st_ino
                file.seek(self._offset)
                data = file.read(_READ_AT_ONCE)
        except FileNotFoundError:
            return ""
        whole = data[: data.rfind(b"\n") + 1]  # Asterisk may be writing the last line now
        endless = not whole and len(data) == _READ_AT_ONCE  # no line of Asterisk's: passed over
        self._offset += len(data) if endless else len(whole)
        return whole.decode("utf-8", "replace")


class Reconciler:
    """One PBX's reconciler."""

    def __init__(
        self,
        pbx: AsksPbx,
        translator: Translator,
        unfinished: Callable[[], Awaitable[list[Call]]],
        calls: Callable[[Collection[str]], Awaitable[Mapping[str, Call]]],
        story: Callable[[str], Awaitable[Sequence[CallEvent]]],
        settled: Callable[[], Awaitable[object]],
        publish: Publish,
        cdr_file: Path,
        normalise: Normalise,
        *,
        every_s: float = 60.0,
        grace_s: float = 2.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """
        Args:
            pbx: the AMI link.
            translator: is told which calls are ours, and which are over.
            unfinished: the ledger's live calls, `CallBook.unfinished_calls`.
            calls: those of the given calls that the ledger knows, `CallBook.calls_among`.
            story: what the ledger has of a call, `CallBook.events_of`.
            settled: returns when the ledger has what was published, or after a deadline of its own.
            publish: takes what was missed.
            cdr_file: Asterisk's CDR in our format; need not exist.
            normalise: makes E.164 of a caller ID, or None.
            every_s: pause between two runs that nobody asked for.
            grace_s: a call that ended so recently is left to the AMI's own word, which is on its way.
            clock: now, aware; for a PBX that does not tell its own time.
        """
        self._pbx, self._translator, self._publish = pbx, translator, publish
        self._unfinished, self._calls, self._story, self._settled = unfinished, calls, story, settled
        self._cdr_file, self._normalise = CdrFile(cdr_file), normalise
        self._every_s, self._grace_s, self._clock = every_s, grace_s, clock
        self._young: list[CdrRow] = []  # rows within the grace, or of a call that was on the line
        self._asked = asyncio.Event()

    def wake(self) -> None:
        """Reconcile soon: the link is up again."""
        self._asked.set()

    async def run(self) -> None:
        """Reconcile when woken and every so often, until cancelled. Waits for the first `wake`."""
        await self._asked.wait()
        while True:
            self._asked.clear()
            pause_s = self._every_s
            try:
                await self.reconcile()
                if self._young:
                    pause_s = self._grace_s
            except (AmiCut, AmiLate, AmiRefused) as error:
                log.warning("The PBX cannot be compared now.", action="reconcile_failed", reason=str(error))
            except (DatabaseTrouble, OSError) as error:
                log.warning("Reconciling waits.", action="reconcile_failed", reason=str(error))
                pause_s = self._grace_s
            try:
                async with asyncio.timeout(pause_s):
                    await self._asked.wait()
            except TimeoutError:
                pass

    async def reconcile(self) -> None:
        """One run.

        Raises:
            AmiCut, AmiLate, AmiRefused: the PBX does not answer; what was found so far is published.
            DatabaseTrouble, OSError: the ledger or the CDR file cannot be read.
        """
        unfinished = await self._unfinished()
        at = await self._pbx_time()
        compared = await self._compare(unfinished, at)
        self._translator.adopt(compared.live, compared.events)
        for event in compared.events:
            self._publish(event)
        gone = {call.call_id: call for call in compared.gone}
        if gone:
            # Their end may be on its way, over AMI or into the CDR, this moment.
            await asyncio.sleep(self._grace_s)
            gone = {call.call_id: call for call in await self._unfinished() if call.call_id in gone}
        found = await self._from_cdr(gone.keys(), compared.live.keys(), at - timedelta(seconds=self._grace_s))
        for call_id in gone.keys() - found:  # a PBX that was killed never writes it
            self._publish(ended(call_id, at, NO_RECORD))
        self._translator.forget(gone)
        if compared.events or found or gone:
            log.info(
                "The ledger was brought level with the PBX.",
                action="reconciled",
                live=len(compared.live),
                gone=len(gone),
                from_cdr=len(found),
            )

    async def _pbx_time(self) -> datetime:
        """The PBX's own clock: ours may be another one, and all that the PBX tells is by that one."""
        told = (await self._pbx.action("Ping")).fields.get("timestamp", "")
        try:
            return datetime.fromtimestamp(float(told), UTC)
        except (ValueError, OverflowError, OSError):
            return self._clock()

    async def _compare(self, before: Sequence[Call], at: datetime) -> Comparison:
        listed = await self._pbx.list_action("CoreShowChannels")
        queued = await self._pbx.list_action("QueueStatus")
        channels = [one for one in listed if isinstance(one, ListedChannel)]
        self._translator.see(channels)
        waiting = [one for one in queued if isinstance(one, WaitingCaller)]
        # AMI keeps its order: what happened before the lists has been published, and is in the ledger now.
        # Only what the ledger knew neither before nor after was missed.
        await self._settled()
        after = await self._unfinished()
        known = {call.call_id for call in (*before, *after)}
        strangers = {
            call_id: channel for call_id, channel in callers(channels, known).items() if call_id not in known
        }
        lines = {call_id: await self._line(channel.channel) for call_id, channel in strangers.items()}
        system = (await self._pbx.action("CoreSettings")).fields.get("systemname", "")
        missed = {
            event.source_id
            for event in compare(after, channels, waiting, lines, system, at, self._normalise).events
        }
        compared = compare(before, channels, waiting, lines, system, at, self._normalise)
        return replace(compared, events=[event for event in compared.events if event.source_id in missed])

    async def _line(self, channel: str) -> str:
        """The number that the channel called, as our dialplan noted it."""
        try:
            reply = await self._pbx.action("Getvar", Channel=channel, Variable="PZ_LINE")
        except (AmiRefused, BadAmiValue):  # hung up meanwhile; a name that somebody else's dialplan has made
            return ""
        return reply.fields.get("value", "")

    async def _from_cdr(self, gone: Collection[str], live: Collection[str], settled_at: datetime) -> set[str]:
        """Publish what the CDR file tells of calls that the ledger lacks; their ids."""
        found: set[str] = set()
        while True:
            rows = await asyncio.to_thread(self._cdr_file.more)
            # The last call may have more rows in what is read next.
            cut_off = rows[-1].call_id if rows else None
            found |= await self._from_rows(self._young + rows, gone, live, settled_at, cut_off)
            if not rows:
                return found

    async def _from_rows(
        self,
        rows: list[CdrRow],
        gone: Collection[str],
        live: Collection[str],
        settled_at: datetime,
        cut_off: str | None,
    ) -> set[str]:
        self._young = rows  # kept, should the ledger not answer
        calls = cdr.calls_of(rows)
        young = {
            call_id
            for call_id, stretches in calls.items()
            if call_id == cut_off
            or (call_id not in gone and (call_id in live or max(row.end for row in stretches) > settled_at))
        }
        asked = [call_id for call_id in calls if call_id not in young]
        found: set[str] = set()
        for start in range(0, len(asked), _ASK_AT_ONCE):
            part = asked[start : start + _ASK_AT_ONCE]
            known = await self._calls(part)
            for call_id in part:
                stretches = calls[call_id]
                if not cdr.lacking(stretches, known.get(call_id)):
                    continue
                story = await self._story(call_id) if call_id in known else ()
                told = cdr.events_of(stretches, self._normalise, story)
                for event in told:
                    self._publish(event)
                if told:
                    found.add(call_id)
        self._young = [row for row in rows if row.call_id in young]
        return found
