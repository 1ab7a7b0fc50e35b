"""Waiting room and queue watch over a real AMI socket: after a change, a restart and a cut link alike."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from cti.asterisk.ami import AmiLink
from cti.asterisk.events import AmiEvent
from cti.asterisk.queue_watch import QueueWatch
from cti.waiting.room import WaitingRoom
from ivr.waiting_words import Announcement
from tests.fakes.ami_server import FakeAmi, Headers, fake_ami, message
from tickets.talks import Talk

pytestmark = pytest.mark.integration


class Queue:
    """The PBX's one queue, its callers in order."""

    def __init__(self, pbx: FakeAmi) -> None:
        self.callers: list[str] = []
        self.pbx = pbx
        pbx.answers = {"QueueStatus": self._status, "Setvar": self._setvar}

    def _status(self, asked: Headers) -> bytes:
        number = ("ActionID", asked["ActionID"])
        entries = [
            message(
                ("Event", "QueueEntry"), number, ("Queue", "support"), ("Position", place),
                ("Channel", f"PJSIP/{caller}"), ("Uniqueid", caller), ("CallerIDNum", "+12025550111"),
                ("Wait", 5), ("Priority", 0),
            )
            for place, caller in enumerate(self.callers, 1)
        ]  # fmt: skip
        member = message(
            ("Event", "QueueMember"), number, ("Queue", "support"), ("Name", "101"),
            ("Location", "PJSIP/101"), ("Status", 2), ("Paused", 0), ("InCall", 1),
        )  # fmt: skip
        return b"".join([
            message(("Response", "Success"), number, ("EventList", "start")),
            *entries,
            member,
            message(("Event", "QueueStatusComplete"), number, ("EventList", "Complete")),
        ])  # fmt: skip

    def _setvar(self, asked: Headers) -> bytes:
        number = ("ActionID", asked["ActionID"])
        if asked["Channel"].removeprefix("PJSIP/") not in self.callers:
            return message(("Response", "Error"), number, ("Message", "No such channel"))
        return message(("Response", "Success"), number, ("Message", "Variable Set"))

    def told(self) -> list[tuple[str, str]]:
        """Which channel got which language."""
        return [(headers["Channel"], headers["Value"]) for headers in self.pbx.asked("Setvar")]

    async def until_told(self, *codes: tuple[str, str]) -> None:
        """Wait until these were set."""
        await self.pbx.until(lambda: set(codes) <= set(self.told()))

    def joins(self, caller: str) -> None:
        """One more at the end, and the event of it."""
        self.callers.append(caller)
        self.pbx.say(self._event("QueueCallerJoin", caller))

    def leaves(self, caller: str) -> None:
        """One fewer, and the event of it."""
        self.callers.remove(caller)
        self.pbx.say(self._event("QueueCallerLeave", caller))

    def stops_music(self, caller: str) -> None:
        """An announcement begins."""
        self.pbx.say(self._event("MusicOnHoldStop", caller))

    def _event(self, name: str, caller: str) -> bytes:
        return message(
            ("Event", name), ("Uniqueid", caller), ("Linkedid", caller), ("Context", "presszero-call"),
            ("Exten", "operator"), ("Queue", "support"),
        )  # fmt: skip


class Voice:
    """Everything is spoken already."""

    async def make(self, announcement: Announcement, call_id: str) -> str | None:
        return f"en_{announcement.code}"


class Bulletin:
    """An incident that nobody has heard of yet."""

    def __init__(self) -> None:
        self.knows: set[str] = set()

    def for_waiting(self, call_id: str) -> int | None:
        return None if call_id in self.knows else 4

    def heard(self, call_id: str, number: int) -> None:
        self.knows.add(call_id)


async def no_talks(at: datetime) -> list[Talk]:
    return []


@pytest.fixture
async def queue() -> AsyncIterator[Queue]:
    """A PBX with two waiting callers, and a service that has just started."""
    async with fake_ami() as pbx:
        queue = Queue(pbx)
        queue.callers = ["a", "b"]

        def heard(events: list[AmiEvent]) -> None:
            watch.hear(events)
            room.hear(events)

        link = AmiLink(
            "127.0.0.1", pbx.port, "presszero", "right", heard, on_up=lambda: watch.wake(), retry_first_s=0.01
        )
        watch = QueueWatch(link, every_s=60, calm_s=0.01)
        bulletin = Bulletin()
        room = WaitingRoom(
            link, watch.next, no_talks, Voice(), lambda caller, now: False, 90, bulletin,
            lambda: datetime.now(UTC),
        )  # fmt: skip
        await link.connect()
        tasks = [asyncio.create_task(work) for work in (link.run(), room.run(), watch.run())]
        yield queue
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def test_who_waited_before_the_start_is_told_and_so_is_who_comes(queue: Queue) -> None:
    await queue.until_told(("PJSIP/a", "en_p1i4"), ("PJSIP/b", "en_p2i4"))
    queue.joins("c")
    await queue.until_told(("PJSIP/c", "en_p3i4"))


async def test_when_the_announcement_begins_the_next_one_is_prepared(queue: Queue) -> None:
    await queue.until_told(("PJSIP/a", "en_p1i4"), ("PJSIP/b", "en_p2i4"))
    queue.joins("c")
    await queue.until_told(("PJSIP/c", "en_p3i4"))  # so the answers for the others have been read
    queue.stops_music("b")
    queue.leaves("a")
    await queue.until_told(("PJSIP/b", "en_p1"))


async def test_who_came_while_the_link_was_cut_is_told(queue: Queue) -> None:
    await queue.until_told(("PJSIP/a", "en_p1i4"), ("PJSIP/b", "en_p2i4"))
    queue.callers = ["b", "c"]  # and nobody heard of it
    queue.pbx.drop()
    await queue.until_told(("PJSIP/c", "en_p2i4"))
