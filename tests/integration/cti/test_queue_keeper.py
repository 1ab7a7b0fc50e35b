"""The queue in the right order over a real AMI link; behind it a model of app_queue's order."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from cti.asterisk.ami import AmiLink
from cti.asterisk.queue_watch import QueueWatch
from cti.live import LiveCalls
from cti.waiting.queue_keeper import QueueKeeper
from ivr.vip_rules import Vip, VipLevel
from tests.fakes.ami_server import FakeAmi, Headers, fake_ami, message
from tests.fakes.app_queue import AppQueue
from tickets.call import Call
from tickets.database import DatabaseAway
from tickets.events import CallEvent
from tickets.ledger import CallChange
from tickets.places import Place
from tickets.vocabulary import CallState, EventKind

pytestmark = pytest.mark.integration

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
RULES = Vip(levels={1: VipLevel(head_start_s=30, speed=8)}, most_in_ten=2)
CHANGE = "QueueChangePriorityCaller"


class House:
    """A queue behind AMI, the ledger's places, and the keeper between them."""

    def __init__(self, ami: FakeAmi) -> None:
        self.ami, self.queue, self.live = ami, AppQueue(), LiveCalls()
        self.places: dict[str, Place] = {}
        self.waited: dict[str, int] = {}  # seconds, as the PBX measures them
        self.ledger_away = False
        self.gone: set[str] = set()  # hung up since the picture was taken
        ami.answers |= {"QueueStatus": self._status, CHANGE: self._change}
        self.link = AmiLink(
            "127.0.0.1", ami.port, "pz", "right", lambda events: None,
            on_up=lambda: self.watch.wake(), action_within_s=0.2, retry_first_s=0.01,
        )  # fmt: skip
        self.watch = QueueWatch(self.link, every_s=60, calm_s=0.01)
        self.keeper = QueueKeeper(self.link, self.watch, self.live, self._places_of, RULES)

    async def _places_of(self, call_ids: Collection[str]) -> dict[str, Place]:
        if self.ledger_away:
            raise DatabaseAway("away")
        return {call_id: self.places[call_id] for call_id in call_ids if call_id in self.places}

    def _status(self, asked: Headers) -> bytes:
        number = ("ActionID", asked["ActionID"])
        entries = [
            message(
                ("Event", "QueueEntry"), number, ("Queue", caller.queue), ("Position", caller.place),
                ("Channel", caller.channel), ("Uniqueid", caller.call_id),
                ("Wait", self.waited[caller.call_id]), ("Priority", caller.priority),
            )
            for caller in self.queue.placed()
        ]  # fmt: skip
        return b"".join([
            message(("Response", "Success"), number, ("EventList", "start")),
            *entries,
            message(("Event", "QueueStatusComplete"), number, ("EventList", "Complete")),
        ])  # fmt: skip

    def _change(self, asked: Headers) -> bytes:
        number, caller = ("ActionID", asked["ActionID"]), asked["Caller"].removeprefix("PJSIP/")
        if caller in self.gone:
            return message(("Response", "Error"), number, ("Message", "No such caller"))
        assert (asked["Queue"], asked["Immediate"]) == ("support", "yes")
        self.queue.change(caller, int(asked["Priority"]))
        return message(("Response", "Success"), number, ("Message", "Priority change"))

    def join(self, call_id: str, ago_s: float, vip_level: int = 0, *, known: bool = True) -> None:
        """A caller joins as the dialplan lets them, and the ledger may hear of it."""
        self.queue.join(call_id, RULES.joining_priority(vip_level))
        self.waited[call_id] = int(ago_s)
        if known:
            self.hear_of(call_id, ago_s, vip_level)

    def hear_of(self, call_id: str, ago_s: float, vip_level: int = 0) -> None:
        self.places[call_id] = Place(NOW - timedelta(seconds=ago_s), vip_level)
        self.tell(call_id, EventKind.QUEUE_JOINED, CallState.QUEUED)

    def answer(self) -> str:
        """The next one is connected."""
        call_id = self.queue.order[0]
        self.queue.leave(call_id)
        self.tell(call_id, EventKind.OPERATOR_ANSWERED, CallState.TALKING)
        self.watch.wake()
        return call_id

    def tell(self, call_id: str, kind: EventKind, state: CallState) -> None:
        call = Call(call_id=call_id, received_at=NOW, state=state, queue="support", operator="101")
        event = CallEvent("ami", f"{kind}:{call_id}", call_id, NOW, kind)
        self.live.changed([CallChange(event, call, 1, False)])

    async def stands(self, order: str) -> None:
        """Wait until the queue stands so."""
        await self.ami.until(lambda: self.queue.order == order.split())

    def told(self) -> int:
        return len(self.ami.asked(CHANGE))


@asynccontextmanager
async def open_house(*joining: tuple[str, float, int]) -> AsyncIterator[House]:
    async with fake_ami() as ami:
        house = House(ami)
        for call_id, ago_s, vip_level in joining:
            house.join(call_id, ago_s, vip_level)
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(part) for part in (house.link.run(), house.watch.run(), house.keeper.run())
            ]
            yield house
            for task in running:
                task.cancel()


async def looked_again(house: House) -> None:
    """The PBX was asked twice more: what followed from the first answer has been told."""
    for _ in range(2):
        seen = len(house.ami.asked("QueueStatus"))
        house.watch.wake()
        await house.ami.until(lambda seen=seen: len(house.ami.asked("QueueStatus")) > seen)  # type: ignore[misc]


async def test_who_has_waited_long_is_put_before_a_vip_who_has_just_come() -> None:
    async with open_house(("old", 200, 0), ("young", 20, 0), ("vip", 1, 1)) as house:
        await house.stands("old vip young")
        assert house.told() == 1


async def test_plain_callers_cost_no_action() -> None:
    async with open_house(("first", 30, 0), ("second", 20, 0)) as house:
        await looked_again(house)
        assert house.told() == 0


async def test_who_came_back_gets_their_place_again() -> None:
    async with open_house(("first", 90, 0), ("second", 60, 0)) as house:
        house.join("back", 75)
        house.waited["back"] = 2
        house.watch.wake()
        await house.stands("first back second")


async def test_a_vip_becomes_the_next_when_the_ledger_tells_who_they_are() -> None:
    async with open_house(("plain", 60, 0)) as house:
        house.join("vip", 0, known=False)
        house.watch.wake()
        await looked_again(house)
        assert house.queue.order == ["plain", "vip"]
        house.hear_of("vip", 59, vip_level=1)
        await house.stands("vip plain")


async def test_a_pbx_with_another_clock_changes_nothing() -> None:
    async with open_house() as house:
        for call_id, ago_s, vip_level in (("old", 200, 0), ("young", 20, 0), ("vip", 1, 1)):
            house.join(call_id, ago_s, vip_level, known=False)
            house.hear_of(call_id, ago_s + 3600, vip_level)  # the PBX's clock is an hour behind ours
        await house.stands("old vip young")


async def test_after_two_who_passed_the_longest_waiting_is_next() -> None:
    vips = [(f"vip{n}", 60 - n, 1) for n in range(4)]
    async with open_house(("plain", 61, 0), *vips) as house:
        await house.stands("vip0 vip1 plain vip2 vip3")
        assert [house.answer() for _ in range(3)] == ["vip0", "vip1", "plain"]
        house.join("next", 55)
        house.watch.wake()
        # vip2 and vip3 came before that one: nobody is passed. Who comes after may pass no more.
        house.join("late", 54.5, 1)
        house.watch.wake()
        await house.stands("vip2 vip3 next late")


async def test_a_caller_who_has_hung_up_meanwhile_stops_nobody_else() -> None:
    async with open_house() as house:
        house.gone = {"old1"}
        for joining in (("old1", 300, 0), ("old2", 290, 0), ("young", 10, 0), ("vip", 1, 1)):
            house.join(*joining)
        house.watch.wake()
        await house.ami.until(lambda: house.queue.order.index("old2") < house.queue.order.index("vip"))


async def test_a_caller_whose_channel_ami_cannot_name_stops_nobody_else() -> None:
    async with open_house(("o\x07ld", 200, 0), ("vip", 1, 1)) as house:
        await looked_again(house)
        assert house.queue.order == ["vip", "o\x07ld"]
        house.queue.leave("o\x07ld")
        house.join("old", 200)
        house.watch.wake()
        await house.stands("old vip")


async def test_after_a_cut_link_it_asks_anew_and_keeps_order() -> None:
    async with open_house(("plain", 60, 0)) as house:
        await looked_again(house)
        house.ami.drop()
        house.join("vip", 10, 1)  # 10 s count for 110
        house.queue.change("vip", 0)  # as if joined with us away
        await house.stands("vip plain")
        assert house.ami.logins == 2


async def test_an_ami_that_answers_no_change_costs_a_round_only() -> None:
    async with open_house() as house:
        change = house.ami.answers.pop(CHANGE)
        house.join("old", 200)
        house.join("vip", 1, 1)
        house.watch.wake()
        await house.ami.until(lambda: house.told() > 0)
        house.ami.answers[CHANGE] = change
        await house.stands("old vip")


async def test_with_the_ledger_away_those_it_has_told_of_are_kept_in_order() -> None:
    async with open_house(("old", 200, 0), ("vip", 30, 1)) as house:
        await looked_again(house)  # 270 s against 200
        assert house.queue.order == ["vip", "old"]
        house.ledger_away = True
        house.join("stranger", 0, known=False)
        house.queue.change("vip", 0)  # somebody else did
        house.watch.wake()
        await house.stands("vip old stranger")
