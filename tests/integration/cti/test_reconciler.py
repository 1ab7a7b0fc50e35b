"""The reconciler with a real CDR file and a PBX that answers lists; the ledger is the fake one."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cti.asterisk.ami import AmiCut, AmiRefused, AmiReply
from cti.asterisk.ami_protocol import checked
from cti.asterisk.events import AmiEvent, ListedChannel, WaitingCaller
from cti.asterisk.reconciler import Reconciler
from cti.asterisk.translate import Translator, ended, received
from tests.fakes.call_book import FakeCallBook
from tickets.call import Call
from tickets.database import DatabaseAway
from tickets.events import CallEvent
from tickets.promise import attempt_id
from tickets.vocabulary import CallOutcome, CallState, Direction, EventKind

pytestmark = pytest.mark.integration

CDR = Path(__file__).parents[2] / "fakes" / "asterisk22_cdr.csv"
LATER = datetime.fromtimestamp(1795294000, UTC)  # a minute after the last of these calls
ANSWERED, ABANDONED, TIMED_OUT, DUTY = (
    "pz-1795293936.1",
    "pz-1795293941.8",
    "pz-1795293945.14",
    "pz-1795293954.24",
)


class Pbx:
    """Answers the two lists."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.channels: list[AmiEvent] = []
        self.waiting: list[AmiEvent] = []
        self.lines: dict[str, str] = {}
        self.cut = False
        self.meanwhile: list[CallEvent] = []  # told over AMI before the lists are
        self.tell: Callable[[CallEvent], None] | None = None
        self.asked = asyncio.Event()

    async def list_action(self, name: str, /) -> list[AmiEvent]:
        self.asked.set()
        if self.cut:
            raise AmiCut("cut")
        while self.meanwhile and self.tell is not None:
            self.tell(self.meanwhile.pop())
        return {"CoreShowChannels": self.channels, "QueueStatus": self.waiting}[name]

    async def action(self, name: str, /, **fields: str) -> AmiReply:
        checked(name, fields)
        if name == "Ping":
            return AmiReply("", {"ping": "Pong", "timestamp": f"{self.now():.6f}"})
        if name == "CoreSettings":
            return AmiReply("", {"systemname": "pz"})
        assert (name, fields["Variable"]) == ("Getvar", "PZ_LINE")
        if fields["Channel"] not in self.lines:
            raise AmiRefused("No such channel")
        return AmiReply("", {"variable": "PZ_LINE", "value": self.lines[fields["Channel"]]})


class House:
    """A reconciler with all that it needs."""

    def __init__(self, folder: Path, now: datetime = LATER) -> None:
        self.pbx, self.book = Pbx(lambda: self.now.timestamp()), FakeCallBook()
        self.file = folder / "presszero.csv"
        self.now = now
        self.published: list[CallEvent] = []
        self.news = asyncio.Event()
        self.translator = Translator(lambda number: number)
        self.reconciler = Reconciler(
            self.pbx, self.translator, self.book.unfinished_calls, self.book.calls_among, self.book.events_of,
            self._settled, self._publish, self.file, lambda number: number, every_s=60, grace_s=0.01,
        )  # fmt: skip

    def _publish(self, event: CallEvent) -> None:
        self.published.append(event)
        self.news.set()

    async def _settled(self) -> bool:
        return True

    async def reconcile(self) -> list[CallEvent]:
        """One run; what it published is in the ledger afterwards."""
        self.published.clear()
        await self.reconciler.reconcile()
        await self.book.record(self.published)
        return list(self.published)

    async def knows(self, *call_ids: str) -> None:
        """The ledger saw these calls begin."""
        at = datetime.fromtimestamp(1795293936, UTC)
        await self.book.record([received(each, at, "", "", lambda number: number) for each in call_ids])


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


async def test_it_finds_calls_that_came_while_we_were_down(house: House) -> None:
    house.file.write_bytes(CDR.read_bytes())
    await house.reconcile()
    outcomes = {
        call_id: house.book.call(call_id).outcome for call_id in (ANSWERED, ABANDONED, TIMED_OUT, DUTY)
    }
    assert outcomes == {
        ANSWERED: CallOutcome.ANSWERED_BY_OPERATOR,
        ABANDONED: CallOutcome.ABANDONED,
        TIMED_OUT: CallOutcome.VOICEMAIL,
        DUTY: CallOutcome.ANSWERED_BY_OPERATOR,
    }


async def test_it_changes_nothing_the_second_time(house: House) -> None:
    house.file.write_bytes(CDR.read_bytes())
    await house.reconcile()
    before = dict(house.book.events)
    assert await house.reconcile() == []
    fresh = House(house.file.parent)
    fresh.book = house.book
    await fresh.reconcile()
    assert house.book.events == before


async def test_it_adds_the_answer_that_was_missed_to_a_call_whose_end_was_heard(house: House) -> None:
    house.file.write_bytes(CDR.read_bytes())
    await house.knows(ANSWERED)
    await house.book.record([ended(ANSWERED, LATER, "Normal Clearing")])
    told = [event.kind for event in await house.reconcile() if event.call_id == ANSWERED]
    assert told == [EventKind.RECEIVED, EventKind.OPERATOR_ANSWERED]  # who called was missed as well
    assert house.book.call(ANSWERED).outcome is CallOutcome.ANSWERED_BY_OPERATOR


async def test_it_tells_a_tape_that_came_first_from_a_call_that_is_known(house: House) -> None:
    """The shelf found the tape while the PBX was away: that the call is over is all that it could tell."""
    began = datetime.fromtimestamp(1795293936, UTC)
    data = {"how": "recording"}
    tape = CallEvent("recordings", f"{DUTY}:found", DUTY, began, EventKind.FOUND, data)
    await house.book.record([tape])
    house.file.write_bytes(CDR.read_bytes())
    await house.reconcile()
    call = house.book.call(DUTY)
    assert (call.caller, call.operator, call.found_later) == ("+18005551111", "duty", True)
    assert call.ended_at == datetime.fromtimestamp(1795293958.736249, UTC)


async def test_a_pbx_with_another_clock_loses_and_delays_no_call(tmp_path: Path) -> None:
    house = House(tmp_path, now=LATER)
    house.reconciler._clock = lambda: LATER - timedelta(hours=3)
    house.file.write_bytes(CDR.read_bytes())
    assert DUTY in {event.call_id for event in await house.reconcile()}


async def test_it_ends_a_call_whose_end_was_missed(house: House) -> None:
    await house.knows(ANSWERED)
    house.file.write_bytes(CDR.read_bytes())
    await house.reconcile()
    call = house.book.call(ANSWERED)
    assert (call.outcome, call.operator, call.found_later) == (CallOutcome.ANSWERED_BY_OPERATOR, "101", False)


async def test_it_ends_a_call_that_a_killed_pbx_never_wrote_down(house: House) -> None:
    await house.knows("pz-1795293936.9")
    (event,) = await house.reconcile()
    assert event.at == LATER
    assert house.book.call("pz-1795293936.9").ended


async def test_it_does_not_end_the_calls_of_another_pbx(house: House) -> None:
    await house.knows("branch-1795293936.9", "1795293936.9")
    assert await house.reconcile() == []


async def test_it_leaves_a_live_call_alone_and_tells_the_translator(house: House) -> None:
    await house.knows(ANSWERED)
    house.file.write_bytes(CDR.read_bytes())
    house.pbx.channels = [
        ListedChannel(LATER, "", ANSWERED, ANSWERED, "elsewhere", "s", "", "PJSIP/trunk-1", "Playback", "")
    ]
    assert ANSWERED not in {event.call_id for event in await house.reconcile()}
    hangup = ListedChannel(LATER, "", ANSWERED, ANSWERED, "elsewhere", "s", "", "", "", "")
    assert house.translator.translate(hangup) == []
    assert ANSWERED in house.translator._calls
    house.pbx.channels = []  # the CDR was read already, and is not forgotten
    assert ANSWERED in {event.call_id for event in await house.reconcile()}
    assert house.book.call(ANSWERED).operator == "101"


async def test_it_takes_up_a_waiting_caller(house: House) -> None:
    call_id = "pz-1795293990.1"
    house.pbx.channels = [
        ListedChannel(LATER, "", call_id, call_id, "presszero-call", "operator", "", "PJSIP/t-1", "Queue", "")
    ]
    house.pbx.waiting = [WaitingCaller(LATER, "", "support", call_id, 9, 5)]
    house.pbx.lines = {"PJSIP/t-1": "+18005550100"}
    await house.reconcile()
    call = house.book.call(call_id)
    assert (call.state, call.priority, call.found_later) == (CallState.QUEUED, 9, True)
    assert call.line == "+18005550100"
    assert await house.reconcile() == []


async def test_a_channel_whose_name_cannot_be_written_stops_nobody(house: House) -> None:
    strange, call_id = "pz-1795293990.1", "pz-1795293990.2"
    house.pbx.channels = [
        ListedChannel(LATER, "", each, each, "presszero-call", "operator", "", name, "Queue", "")
        for each, name in ((strange, "Local/1\n@presszero-inbound-0;2"), (call_id, "PJSIP/t-1"))
    ]
    house.pbx.lines = {"PJSIP/t-1": "+18005550100"}
    await house.reconcile()
    assert [house.book.call(each).line for each in (strange, call_id)] == ["", "+18005550100"]


async def test_it_tells_nothing_of_what_the_ami_told_a_moment_before(house: House) -> None:
    began, call_id = "pz-1795293990.1", "pz-1795293990.2"
    await house.knows(call_id)
    house.pbx.channels = [
        ListedChannel(LATER, "", each, each, "presszero-call", "operator", "", f"PJSIP/{each}", "Queue", "")
        for each in (began, call_id)
    ]
    house.pbx.waiting = [WaitingCaller(LATER, "", "support", call_id, 0, 0)]
    house.pbx.meanwhile = [
        received(began, LATER, "", "", lambda number: number),
        CallEvent("ami", f"joined:{call_id}", call_id, LATER, EventKind.QUEUE_JOINED, {"queue": "support"}),
    ]
    heard: list[CallEvent] = []
    house.pbx.tell = heard.append
    house.reconciler._settled = lambda: house.book.record(heard)
    assert await house.reconcile() == []
    assert not house.book.call(began).found_later


async def test_it_leaves_a_fresh_end_to_the_ami_and_looks_again(tmp_path: Path) -> None:
    house = House(tmp_path, now=datetime.fromtimestamp(1795293958.737, UTC))  # DUTY ended 1 ms ago
    house.file.write_bytes(CDR.read_bytes())
    assert DUTY not in {event.call_id for event in await house.reconcile()}
    house.now += timedelta(seconds=5)
    assert {event.call_id for event in await house.reconcile()} == {DUTY}


async def test_it_reads_on_where_it_stopped_and_after_a_rotation(house: House) -> None:
    lines = CDR.read_bytes().splitlines(keepends=True)
    house.file.write_bytes(b"".join(lines[:2]) + lines[4][:30])  # Asterisk is writing the last one
    assert {event.call_id for event in await house.reconcile()} == {ANSWERED}
    house.file.write_bytes(b"".join([*lines[:2], lines[4], b"not,ours\n"]))
    assert {event.call_id for event in await house.reconcile()} == {ABANDONED}
    house.file.unlink()
    house.file.write_bytes(b"".join(lines[10:]))
    assert {event.call_id for event in await house.reconcile()} == {DUTY}


async def test_it_forgets_no_row_when_the_ledger_does_not_answer(house: House) -> None:
    house.file.write_bytes(CDR.read_bytes())
    answers = house.book.calls_among
    house.reconciler._calls = _away
    with pytest.raises(DatabaseAway):
        await house.reconcile()
    house.reconciler._calls = answers
    await house.reconcile()
    assert house.book.call(DUTY).ended


async def _away(_: object) -> dict[str, Call]:
    raise DatabaseAway("away")


async def test_it_runs_when_woken_and_survives_a_cut(house: House) -> None:
    house.pbx.cut = True
    task = asyncio.create_task(house.reconciler.run())
    try:
        house.reconciler.wake()
        async with asyncio.timeout(5):
            await house.pbx.asked.wait()
            house.pbx.cut = False
            house.file.write_bytes(CDR.read_bytes())
            house.reconciler.wake()
            await house.news.wait()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_call_whose_rows_are_read_in_two_parts_is_taken_as_a_whole(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [line for line in CDR.read_bytes().splitlines(keepends=True) if TIMED_OUT.encode() in line]
    assert len(lines) == 3
    house.file.write_bytes(b"".join(lines))
    monkeypatch.setattr("cti.asterisk.reconciler._READ_AT_ONCE", len(lines[0]) + 10)
    ends = [event.at for event in await house.reconcile() if event.kind is EventKind.ENDED]
    assert ends == [datetime.fromtimestamp(1795293951.738906, UTC)]
    assert house.book.call(TIMED_OUT).outcome is CallOutcome.VOICEMAIL


async def test_it_finds_a_call_that_we_made_ourselves(house: House) -> None:
    """A call-back whose beginning was missed: live, and then ended, by the CDR."""
    live, over = (attempt_id("pz", LATER, promise, 1) for promise in (7, 8))
    house.pbx.channels = [
        ListedChannel(
            LATER, "", live, live, "presszero-call", "operator", "+12025550111", "PJSIP/t-1", "", ""
        )
    ]
    line = CDR.read_text().splitlines()[1].replace(ANSWERED, over).replace('"queue"', '"call_back"')
    house.file.write_text(line + "\n")
    await house.reconcile()
    assert house.book.call(live).direction is Direction.OUTBOUND
    assert house.book.call(live).caller == "+12025550111"
    call = house.book.call(over)
    assert (call.direction, call.outcome) == (Direction.OUTBOUND, CallOutcome.ANSWERED_BY_OPERATOR)
    assert call.hand_over is None
