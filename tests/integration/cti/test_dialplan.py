"""The dialplan alone in a real Asterisk, with nobody of ours there: no service, no phone, no network."""

import asyncio
import re
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from aiohttp import ClientSession

from cti.asterisk.ami import AmiLink
from cti.asterisk.cdr import read_line
from cti.asterisk.config import Doors, EmbeddedPlan
from cti.asterisk.embedded import build_embedded, keep_secrets, plan_pbx
from cti.asterisk.events import AmiEvent, ListedChannel, StageReached, WaitingCaller
from cti.asterisk.install import Program
from cti.ports import free_port, free_udp_port
from ivr.scenario_file import load_scenario
from voicebot.chan_websocket import PROTOCOL, Started, read
from voicebot.media import FRAME_BYTES

pytestmark = pytest.mark.integration

LOTTERY = Path(__file__).parents[3] / "scenarios" / "lottery.yaml"
RTP_START = 17000
CALLER = "\n[test-caller]\nexten => s,1,Answer()\n same => n,Wait(60)\n"
MANAGER = "\n[test]\nsecret=test\nread=user\nwrite=all\n"


INVITE = """INVITE sip:18005550100@127.0.0.1:{port} SIP/2.0
Via: SIP/2.0/UDP 127.0.0.2:{own};branch=z9hG4bK1
Max-Forwards: 70
From: <sip:{caller}@127.0.0.2>;tag=1
To: <sip:18005550100@127.0.0.1>
Call-ID: strange@127.0.0.2
CSeq: 1 INVITE
Contact: <sip:trunk@127.0.0.2:{own}>
Content-Type: application/sdp
Content-Length: {length}

{sdp}"""
SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.2\r\ns=-\r\nc=IN IP4 127.0.0.2\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n"


class Pbx:
    """The PBX, and how far callers have come in its dialplan."""

    def __init__(self, folder: Path, embedded: EmbeddedPlan) -> None:
        self._cdr, self._sip_port = folder / "log" / "cdr-custom" / "presszero.csv", embedded.sip_port
        self.legs_address = f"ws://127.0.0.1:{embedded.phone_port}/media"
        self.stages: list[StageReached] = []
        self.link: AmiLink | None = None
        self._news = asyncio.Event()

    def heard(self, events: list[AmiEvent]) -> None:
        self.stages += [event for event in events if isinstance(event, StageReached)]
        self._news.set()

    async def rings(self, line: str) -> None:
        """Somebody calls `line`."""
        assert self.link is not None
        await self.link.action(
            "Originate",
            Channel=f"Local/{line}@presszero-inbound",
            Context="test-caller",
            Exten="s",
            Priority="1",
            Async="true",
        )

    def rings_by_sip(self, caller: str) -> None:
        """The telephone network brings a call from `caller`, as it stands in a SIP address."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as network:
            network.bind(("127.0.0.2", 0))
            own = network.getsockname()[1]
            head = INVITE.format(port=self._sip_port, own=own, caller=caller, length=len(SDP), sdp="")
            network.sendto((head.replace("\n", "\r\n") + SDP).encode(), ("127.0.0.1", self._sip_port))

    async def recorders(self, channel: str) -> int:
        """How many recordings of that channel are running."""
        assert self.link is not None
        shown = (await self.link.action("Command", Command=f"mixmonitor list {channel}")).fields["output"]
        return shown.count("-caller\\t")

    async def cdr_rows(self, count: int) -> list[str]:
        """The CDR file, once it has so many rows."""
        async with asyncio.timeout(10):
            while True:
                rows = self._cdr.read_text().splitlines() if self._cdr.exists() else []
                if len(rows) >= count:
                    return rows
                await asyncio.sleep(0.02)

    async def waits(self, nth: int) -> StageReached:
        """Somebody calls and is in the queue, as the nth caller of the test."""
        await self.rings("18005550100")
        stage = await self.reached("queue", times=nth)
        async with asyncio.timeout(10):
            while True:
                if stage.uniqueid in await self.places():
                    return stage
                await asyncio.sleep(0.02)

    async def places(self) -> list[str]:
        """Who waits, the next one first: ids of channels."""
        assert self.link is not None
        listed = await self.link.list_action("QueueStatus")
        entries = sorted((one for one in listed if isinstance(one, WaitingCaller)), key=lambda one: one.place)
        return [entry.uniqueid for entry in entries]

    async def stands(self, *channels: str) -> None:
        """Wait until the queue is this, the next one first."""
        async with asyncio.timeout(10):
            while True:
                if await self.places() == list(channels):
                    return
                await asyncio.sleep(0.02)

    async def press(self, key: str, caller: StageReached) -> None:
        """That caller presses a key."""
        assert self.link is not None
        await self.link.action("PlayDTMF", Channel=caller.uniqueid, Digit=key, Receive="true")

    async def reached(self, stage: str, times: int = 1) -> StageReached:
        async with asyncio.timeout(10):
            while True:
                found = [event for event in self.stages if event.stage == stage]
                if len(found) >= times:
                    return found[times - 1]
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def pbx_alone(
    program: Program, *, wait_for_nobody: bool = False, doors: Doors | None = None
) -> AsyncIterator[Pbx]:
    """`wait_for_nobody`: callers stay in the queue though no phone is there. `doors`: nobody's by default."""
    # A short path of our own: Asterisk's control socket does not fit into pytest's long ones.
    with tempfile.TemporaryDirectory(prefix="pz-") as name:
        folder = Path(name)
        scenario = load_scenario(LOTTERY)
        doors = doors or Doors(agi_port=free_port(), audiosocket_port=free_port())
        kept = keep_secrets(folder / "secrets.json", list(scenario.operators))
        plan = plan_pbx(scenario, kept, doors, prompts=folder / "prompts", spool=folder / "spool")
        embedded = EmbeddedPlan(program.share / "moh", free_udp_port(), free_port(), free_port())
        instance = build_embedded(program, plan, folder / "pbx", embedded, RTP_START)
        for file, more in (("extensions.conf", CALLER), ("manager.conf", MANAGER)):
            path = instance.folder / "etc" / file
            path.write_text(path.read_text() + more)
        if wait_for_nobody:
            path = instance.folder / "etc" / "queues_presszero.conf"
            path.write_text(re.sub(r"(?m)^(joinempty|leavewhenempty)=.*$", "", path.read_text()))
        await instance.start_async()
        try:
            pbx = Pbx(instance.folder, embedded)
            link = pbx.link = AmiLink("127.0.0.1", embedded.ami_port, "test", "test", pbx.heard)
            await link.connect()
            await link.action(
                "Command", Command="core waitfullybooted"
            )  # AMI answers before the dialplan is in
            watch = asyncio.create_task(link.run())
            try:
                yield pbx
            finally:
                watch.cancel()
                await asyncio.wait([watch])
        finally:
            await instance.stop_async()


async def test_a_caller_sent_to_a_phone_that_nobody_answers_comes_back_to_the_queue(
    asterisk: Program,
) -> None:
    async with pbx_alone(asterisk) as pbx:
        assert pbx.link is not None
        await pbx.rings("18005550100")
        call = await pbx.reached("voicemail")  # no phone is there
        channels = await pbx.link.list_action("CoreShowChannels")
        (caller,) = (
            one.channel
            for one in channels
            if isinstance(one, ListedChannel) and one.context == "presszero-call"
        )
        # What a SIP phone's blind transfer does.
        await pbx.link.action(
            "Redirect", Channel=caller, Context="presszero-phones", Exten="102", Priority="1"
        )
        assert (await pbx.reached("queue", times=2)).call_id == call.call_id


async def test_a_dialled_number_adds_nothing_to_what_the_dialplan_tells(asterisk: Program) -> None:
    async with pbx_alone(asterisk) as pbx:
        await pbx.rings("1,Stage: voicemail,Call: other")
        # The clock by which the reconciler judges whatever this PBX tells.
        assert pbx.link is not None
        told = float((await pbx.link.action("Ping")).fields["timestamp"])
        first = await pbx.reached("menu")
        assert first is pbx.stages[0]
        assert abs(told - first.at.timestamp()) < 30
        assert (first.line, first.call_id) == ("1", first.linkedid)


async def test_who_presses_one_while_nobody_can_promise_comes_back_to_the_place_they_had(
    asterisk: Program,
) -> None:
    async with pbx_alone(asterisk, wait_for_nobody=True) as pbx:
        first, second, third = [await pbx.waits(nth) for nth in (1, 2, 3)]
        await pbx.stands(first.uniqueid, second.uniqueid, third.uniqueid)
        await pbx.press("1", second)
        assert (await pbx.reached("offer")).call_id == second.call_id
        assert (await pbx.reached("queue", times=4)).call_id == second.call_id
        await pbx.stands(first.uniqueid, second.uniqueid, third.uniqueid)


async def test_a_mute_service_brings_who_pressed_one_back_when_the_fuse_has_burnt(asterisk: Program) -> None:
    door = await asyncio.start_server(mute, "127.0.0.1", 0)
    doors = Doors(agi_port=door.sockets[0].getsockname()[1])
    async with pbx_alone(asterisk, wait_for_nobody=True, doors=doors) as pbx:
        caller = await pbx.waits(1)
        await pbx.press("1", caller)
        offer = await pbx.reached("offer")
        again = await pbx.reached("queue", times=2)
        assert again.call_id == offer.call_id == caller.call_id
        assert again.at - offer.at < timedelta(seconds=5)
        await pbx.stands(caller.uniqueid)
    door.close()


async def says_bot(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A reception that sends everybody to the bot, and knows nothing of what the bot has come to."""
    request = await reader.readuntil(b"\n\n")
    if b"/reception" in request:
        for name, value in (("PZ_BOT_UUID", str(uuid4())), ("PZ_NEXT", "bot")):
            writer.write(f'SET VARIABLE {name} "{value}"\n'.encode())
            await reader.readline()
    writer.close()


async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()  # until the PBX gives up
    writer.close()


@pytest.mark.parametrize("carrier", ["audiosocket", "websocket"])
async def test_a_bot_that_does_not_take_the_call_costs_the_caller_moments(
    asterisk: Program, carrier: str
) -> None:
    """Whether nobody is there, or somebody who never says a word."""
    reception = await asyncio.start_server(says_bot, "127.0.0.1", 0)
    agi_port, port = reception.sockets[0].getsockname()[1], free_port()
    doors = Doors(agi_port=agi_port, audiosocket_port=port, bot_audio=carrier)
    async with pbx_alone(asterisk, wait_for_nobody=True, doors=doors) as pbx:
        for nth in (1, 2):
            await pbx.rings("18005550100")
            bot = await pbx.reached("bot", times=nth)
            leg = await pbx.reached("bot_leg", times=nth) if carrier == "websocket" else None
            queue = await pbx.reached("queue", times=nth)
            assert bot.call_id == queue.call_id
            assert queue.at - bot.at < timedelta(seconds=5)
            assert leg is None or (leg.leg and leg.audio)  # by which we would have come
            if nth == 1:
                door = await asyncio.start_server(mute, "127.0.0.1", port)
        door.close()
    reception.close()


async def test_a_bot_that_comes_late_to_its_leg_hears_the_caller(asterisk: Program) -> None:
    """Asterisk ends a leg whose first sound has nobody to go to, though not before the bot is there."""
    reception = await asyncio.start_server(says_bot, "127.0.0.1", 0)
    doors = Doors(agi_port=reception.sockets[0].getsockname()[1], bot_audio="websocket")
    async with pbx_alone(asterisk, doors=doors) as pbx, ClientSession() as client:
        await pbx.rings("18005550100")
        leg = await pbx.reached("bot_leg")
        await asyncio.sleep(0.5)  # the caller's line is heard all the while
        async with client.ws_connect(f"{pbx.legs_address}/{leg.leg}", protocols=(PROTOCOL,)) as bot:
            async with asyncio.timeout(10):
                assert isinstance(read(await bot.receive_str()), Started)
                for _ in range(50):
                    assert len(await bot.receive_bytes()) == FRAME_BYTES
        await pbx.reached("queue")
    reception.close()


async def test_every_other_key_while_waiting_is_nothing(asterisk: Program) -> None:
    async with pbx_alone(asterisk, wait_for_nobody=True) as pbx:
        caller = await pbx.waits(1)
        for key in "0234567890*#1":
            await pbx.press(key, caller)
        offer = await pbx.reached("offer")  # for the last one, so the others had their chance
        stages = [stage.stage for stage in pbx.stages if stage.call_id == caller.call_id]
        assert stages[: stages.index("offer") + 1] == ["menu", "queue", "offer"]
        assert offer.call_id == caller.call_id


async def test_who_was_called_back_waits_at_the_front_with_the_service_away(asterisk: Program) -> None:
    async with pbx_alone(asterisk, wait_for_nobody=True) as pbx:
        assert pbx.link is not None
        waiting = await pbx.waits(1)
        await pbx.link.action(
            "Originate",
            Channel="Local/s@test-caller",
            ChannelId="pz-1795190400.1000000701",
            OtherChannelId="pz-1795190400.1000000702",
            Context="presszero-call-back",
            Exten="s",
            Priority="1",
            Variable=[
                "PZ_NUMBER=+12025550111&x",
                "PZ_LINE=+18005550100",
                "PZ_QUEUE=support",
                "PZ_PRIORITY=1",
            ],
            Async="true",
        )
        stage = await pbx.reached("call_back")
        assert (stage.call_id, stage.number, stage.line) == (
            "pz-1795190400.1000000701",
            "+12025550111",
            "+18005550100",
        )
        await pbx.stands(stage.uniqueid, waiting.uniqueid)


async def test_a_line_that_is_a_name_is_answered_too(asterisk: Program) -> None:
    async with pbx_alone(asterisk) as pbx:
        await pbx.rings("acme")  # so rings a trunk that was registered under a name
        assert (await pbx.reached("menu")).line == "acme"


async def test_who_is_sent_to_the_main_number_again_is_recorded_once(asterisk: Program) -> None:
    async with pbx_alone(asterisk, wait_for_nobody=True) as pbx:
        assert pbx.link is not None
        caller = await pbx.waits(1)
        (channel,) = (
            one.channel
            for one in await pbx.link.list_action("CoreShowChannels")
            if isinstance(one, ListedChannel) and one.uniqueid == caller.uniqueid
        )
        recorders = await pbx.recorders(channel)
        await pbx.link.action(
            "Redirect", Channel=channel, Context="presszero-inbound", Exten="18005550100", Priority="1"
        )
        assert (await pbx.reached("queue", times=2)).call_id == caller.call_id
        # A second one would write over what the first has written.
        assert await pbx.recorders(channel) == recorders == 1


async def test_a_caller_id_with_line_ends_tells_nothing_of_its_own(asterisk: Program) -> None:
    async with pbx_alone(asterisk, wait_for_nobody=True) as pbx:
        pbx.rings_by_sip("%0D%0AUniqueid%3A%20x%22%0D%0A555")
        stage = await pbx.reached("queue")
        assert (stage.number, stage.uniqueid) == ("Uniqueidx555", stage.call_id)
        assert pbx.link is not None
        await pbx.link.action("Hangup", Channel=stage.uniqueid)
        rows = await pbx.cdr_rows(1)
        assert [read_line(row).call_id for row in rows] == [stage.call_id]
