"""Calling people back over both databases and a PBX in memory: once, whatever dies in between."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cti.asterisk.ami import AmiCut, AmiRefused, AmiReply
from cti.asterisk.events import AmiEvent, ListedChannel, Originated, QueueSeat
from cti.waiting.call_back_turns import MISSING_S
from cti.waiting.call_backs import CallBacks
from cti.waiting.queues import QueuePicture
from ivr.scenario import Hours, Scenario
from ivr.scenario_file import load_scenario
from tickets.call_backs import CallBackBook
from tickets.database import Database, DatabaseLate, utc_now
from tickets.events import CallEvent, Value
from tickets.ledger import CallBook
from tickets.places import Place, PlaceBook
from tickets.promise import NewPromise, Promise
from tickets.promises import PromiseBook, PromiseLine
from tickets.spoken import SpokenBook
from tickets.vocabulary import AttemptResult, EventKind, PromiseSource, PromiseState

pytestmark = pytest.mark.integration

K = EventKind
GRACE = "+12025550111"
LOTTERY = load_scenario(Path("scenarios/lottery.yaml")).model_copy(update={"hours": Hours.always()})


class Killed(BaseException):
    """The process ends here, as by SIGKILL."""


class Pbx:
    """What the runner asks of AMI. It lasts, while services come and go."""

    def __init__(self, system: str = "pz") -> None:
        self.system = system
        self.originated: list[dict[str, str | Sequence[str]]] = []
        self.channels: set[str] = set()
        self.fault: BaseException | None = None  # instead of taking an Originate
        self.dies_after: BaseException | None = None  # once it has taken one
        self.cut = False

    async def list_action(self, name: str, /) -> list[AmiEvent]:
        if self.cut:
            raise AmiCut("There is no AMI link.")
        assert name == "CoreShowChannels"
        at = utc_now()
        return [ListedChannel(at, "1", one, one, "presszero-inbound", "s", "", f"PJSIP/{one}", "", "")
                for one in self.channels]  # fmt: skip

    async def action(self, name: str, /, **fields: str | Sequence[str]) -> AmiReply:
        if self.cut:
            raise AmiCut("There is no AMI link.")
        match name:
            case "CoreSettings":
                return AmiReply("", {"systemname": self.system})
            case "Getvar":
                return AmiReply("", {"value": "presszero-trunk"})
        assert name == "Originate"
        if self.fault is not None:
            raise self.fault
        self.originated.append(fields)
        self.channels.add(str(fields["ChannelId"]))
        if self.dies_after is not None:
            raise self.dies_after
        return AmiReply("Originate successfully queued", {})


class House:
    """Services that come and go over one database and one PBX."""

    def __init__(self, database: Database) -> None:
        self.pbx = Pbx()
        self.now = datetime.now(UTC)
        self.sessions = database.sessions
        self.free = True
        self.queue = "support"
        self.seconds = 0.0
        self.freeze_s = 0.0  # while an attempt is put on record
        self.promises = PromiseBook(self.sessions, deadline_s=20, clock=lambda: self.now)
        self.ledger = CallBook(self.sessions, deadline_s=20)
        self._told = 0

    def service(
        self, scenario: Scenario = LOTTERY, *, may_call: bool = True, pbx: Pbx | None = None
    ) -> CallBacks:
        """A process that has just started."""
        return CallBacks(
            pbx or self.pbx,
            self.picture,
            CallBackBook(self.sessions, deadline_s=20, clock=self.clock),
            CallBackBook(self.sessions, deadline_s=20, clock=lambda: self.now).from_voicemails,
            PlaceBook(self.sessions, deadline_s=20).of,
            scenario,
            lambda: self.now,
            may_call=lambda: may_call,
            language_of=SpokenBook(self.sessions, deadline_s=20).language_of,
            seconds=lambda: self.seconds,
        )

    def clock(self) -> datetime:
        self.seconds += self.freeze_s
        return self.now

    def picture(self) -> QueuePicture:
        seat = QueueSeat(self.now, "1", self.queue, "101", there=True, talking=not self.free, free=self.free)
        return QueuePicture(self.now, (), (seat,))

    async def promised(self, call_id: str = "pz-1795190400.1", number: str = GRACE) -> Promise:
        return await self.promises.promise(
            NewPromise(
                call_id=call_id,
                number=number,
                line="+18005550100",
                queue="support",
                vip_level=2,
                place_since=self.now - timedelta(minutes=5),
                source=PromiseSource.QUEUE,
            )
        )

    async def line(self, promise: Promise) -> PromiseLine:
        return await self.promises.line(promise.id)

    async def tell(self, call_id: str, *kinds: EventKind) -> None:
        data: dict[str, Value] = {"caller_raw": GRACE, "caller": GRACE}
        for kind in kinds:
            self._told += 1
            event = CallEvent("test", str(self._told), call_id, self.now, kind, data, self._told)
            await self.ledger.record([event])


@pytest.fixture
def house(database: Database) -> House:
    return House(database)


async def later(house: House, service: CallBacks, seconds: float) -> None:
    """Two looks, so many seconds apart."""
    await service.look()
    house.seconds += seconds
    await service.look()


async def test_it_calls_when_an_operator_is_free_and_says_whom_and_where(house: House) -> None:
    house.free = False
    promise = await house.promised()
    service = house.service()
    await service.look()
    assert house.pbx.originated == []
    house.free = True
    await service.look()
    (call,) = house.pbx.originated
    assert call["Channel"] == f"PJSIP/{GRACE}@presszero-trunk"
    assert (call["Context"], call["Exten"], call["CallerID"]) == ("presszero-call-back", "s", "+18005550100")
    assert call["Timeout"] == "30000"
    assert f"PZ_NUMBER={GRACE}" in call["Variable"]
    assert call["ChannelId"] == (await house.line(promise)).tried[0].attempt.call_id


@pytest.mark.parametrize(("told", "greeted"), [("ru", "ru"), ("fr", "en"), (None, "en")])
async def test_the_person_is_greeted_in_the_language_of_their_call(
    house: House, told: str | None, greeted: str
) -> None:
    promise = await house.promised()
    if told is not None:
        chosen = {"language": told, "how": "key"}
        events = [
            CallEvent("ivr", "chosen", promise.call_id, house.now, EventKind.LANGUAGE, chosen),
            CallEvent("ami", "ended", promise.call_id, house.now, EventKind.ENDED, {"cause": "16"}),
        ]
        await house.ledger.record(events)
    await house.service().look()
    (call,) = house.pbx.originated
    assert f"PZ_LANGUAGE={greeted}" in call["Variable"]


async def test_two_services_at_once_call_once(house: House) -> None:
    await house.promised()
    services = [house.service() for _ in range(4)]
    await asyncio.gather(*(service.look() for service in services for _ in range(3)))
    assert len(house.pbx.originated) == 1


async def test_killed_between_record_and_call_it_calls_once_after_the_grace(house: House) -> None:
    promise = await house.promised()
    house.pbx.fault = Killed()
    with pytest.raises(Killed):
        await house.service().look()
    assert house.pbx.originated == []
    house.pbx.fault = None
    restarted = house.service()
    await later(house, restarted, MISSING_S - 1)
    assert house.pbx.originated == []  # it may have been made: the PBX had no time to show it
    await later(house, restarted, 2)
    assert len(house.pbx.originated) == 1
    tried = (await house.line(promise)).tried
    assert [one.attempt.result for one in tried] == [AttemptResult.UNKNOWN, None]


async def test_killed_after_the_call_was_placed_it_calls_nobody_again(house: House) -> None:
    promise = await house.promised()
    house.pbx.dies_after = Killed()
    with pytest.raises(Killed):
        await house.service().look()
    house.pbx.dies_after = None
    restarted = house.service()
    await later(house, restarted, MISSING_S * 10)  # it rings and rings
    (call,) = house.pbx.originated
    call_id = str(call["ChannelId"])
    await house.tell(call_id, K.RECEIVED, K.QUEUE_JOINED, K.OPERATOR_ANSWERED)
    house.pbx.channels.clear()
    await later(house, restarted, MISSING_S * 10)
    await house.tell(call_id, K.ENDED)
    await later(house, house.service(), MISSING_S * 10)
    assert len(house.pbx.originated) == 1
    assert (await house.line(promise)).promise.state is PromiseState.CALLED


async def test_frozen_after_the_record_it_does_not_call_when_it_wakes_up(house: House) -> None:
    promise = await house.promised()
    house.freeze_s = 6.0
    await house.service().look()
    assert house.pbx.originated == []
    house.freeze_s = 0
    await later(house, house.service(), MISSING_S)
    assert len(house.pbx.originated) == 1
    assert (await house.line(promise)).promise.attempts == 2


async def test_without_sight_of_the_pbx_no_attempt_is_given_up(house: House) -> None:
    promise = await house.promised()
    service = house.service()
    await service.look()
    house.pbx.cut = True
    run = asyncio.create_task(service.run())
    async with asyncio.timeout(10):
        while True:
            if service._trouble is not None:
                break
            await asyncio.sleep(0.01)
    run.cancel()
    await asyncio.wait([run])
    assert (await house.line(promise)).promise.state is PromiseState.CALLING


async def test_an_answer_that_got_lost_leaves_it_to_the_pbx_whether_it_rings(house: House) -> None:
    promise = await house.promised()
    house.pbx.dies_after = AmiCut("cut")
    service = house.service()
    await service.look()
    assert (await house.line(promise)).promise.state is PromiseState.CALLING
    await later(house, service, MISSING_S * 10)
    assert len(house.pbx.originated) == 1


async def test_who_does_not_answer_is_tried_again_by_the_rules_and_then_left_to_a_person(
    house: House,
) -> None:
    promise = await house.promised()
    service = house.service()
    for number in (1, 2, 3):
        await service.look()
        assert len(house.pbx.originated) == number
        call_id = str(house.pbx.originated[-1]["ChannelId"])
        house.pbx.channels.clear()
        service.hear([Originated(house.now, "1", call_id, answered=False, reason=3)])
        await service.look()
        await service.look()
        assert len(house.pbx.originated) == number  # not at once
        house.now += timedelta(seconds=LOTTERY.call_back.retry_after_s if LOTTERY.call_back else 0)
    await service.look()
    line = await house.line(promise)
    assert line.promise.needs_a_person
    assert [one.attempt.result for one in line.tried] == [AttemptResult.NO_ANSWER] * 3


async def test_a_pbx_that_refuses_is_tried_later(house: House) -> None:
    promise = await house.promised()
    house.pbx.fault = AmiRefused("Permission denied")
    await house.service().look()
    line = await house.line(promise)
    assert (line.promise.state, line.tried[0].attempt.result) == (PromiseState.OPEN, AttemptResult.FAILED)
    assert line.promise.due_at is not None
    assert line.promise.due_at > house.now


async def test_what_is_no_e164_number_never_reaches_a_dial_string(house: House) -> None:
    promise = await house.promised(number="+1&Local/9@x")
    await house.service().look()
    assert house.pbx.originated == []
    assert (await house.line(promise)).tried[0].attempt.result is AttemptResult.FAILED


async def test_nobody_is_called_after_hours_nor_by_a_service_that_ends(house: House) -> None:
    await house.promised()
    closed = Hours.model_validate({"weekly": {"mon": "closed"}})
    await house.service(LOTTERY.model_copy(update={"hours": closed})).look()
    await house.service(may_call=False).look()
    await house.service(LOTTERY.model_copy(update={"call_back": None})).look()
    assert house.pbx.originated == []


async def test_what_was_promised_at_another_pbx_is_called_from_there(house: House) -> None:
    other = await house.promised("pz2-1795190400.1", "+12025550122")
    await house.service().look()
    assert house.pbx.originated == []
    assert (await house.line(other)).promise.state is PromiseState.OPEN


async def test_the_node_of_another_pbx_gives_up_no_attempt_and_calls_nobody(house: House) -> None:
    promise = await house.promised()
    await house.service().look()
    elsewhere = Pbx("pz2")
    await later(house, house.service(pbx=elsewhere), MISSING_S * 2)  # its own PBX has no such channel
    assert (await house.line(promise)).promise.state is PromiseState.CALLING
    await house.service().look()
    assert len(house.pbx.originated) == 1
    assert elsewhere.originated == []


async def test_an_attempt_of_a_pbx_that_is_gone_is_left_to_a_person(house: House) -> None:
    promise = await house.promised()
    await house.service().look()
    house.now += timedelta(hours=2)
    await house.service(pbx=Pbx("new")).look()
    line = await house.line(promise)
    assert line.promise.needs_a_person
    assert line.tried[0].attempt.result is AttemptResult.UNKNOWN


async def test_who_was_promised_in_a_queue_of_before_takes_an_operator_of_the_first_one(house: House) -> None:
    renamed = LOTTERY.model_copy(update={"queues": {"sales": LOTTERY.queues["support"]}})
    for n in range(1, 4):
        await house.promised(f"pz-1795190400.{n}", f"+1202555010{n}")
    house.queue = "sales"
    service = house.service(renamed)
    for _ in range(3):
        await service.look()
    assert len(house.pbx.originated) == 1  # there is one operator


async def test_a_voicemail_comes_onto_the_list(house: House) -> None:
    service = house.service()
    await service.list_messages()
    house.now -= timedelta(days=1)  # the clock was wrong
    await house.tell("pz-1795190400.7", K.RECEIVED, K.VOICEMAIL_STARTED, K.ENDED)
    await service.list_messages()
    (line,) = (await house.promises.page()).items
    assert line.promise.needs_a_person
    await service.look()
    assert house.pbx.originated == []


async def test_a_list_of_messages_that_is_late_keeps_nobody_from_being_called(house: House) -> None:
    service = house.service()

    async def late(since: datetime | None) -> int:
        raise DatabaseLate("too many calls")

    service._list_messages = late
    await house.promised()
    run = asyncio.create_task(service.run())
    async with asyncio.timeout(20):
        while not house.pbx.originated:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    run.cancel()
    await asyncio.wait([run])


async def test_what_others_originate_is_not_remembered(house: House) -> None:
    service = house.service()
    service.hear(
        [Originated(house.now, "1", f"pz-1795190400.{n}", answered=False, reason=3) for n in range(9)]
    )
    assert service._said == {}


async def test_the_call_back_keeps_the_promised_place_in_the_queue(house: House, database: Database) -> None:
    promise = await house.promised()
    await house.service().look()
    call_id = str(house.pbx.originated[0]["ChannelId"])
    await house.tell(call_id, K.RECEIVED, K.QUEUE_JOINED)
    places = await PlaceBook(database.sessions, deadline_s=20).of([call_id])
    assert places == {call_id: Place(promise.place_since, 2)}
