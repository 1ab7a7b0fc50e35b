"""The AMI link over a real socket, against a server that misbehaves on purpose."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from cti.asterisk.ami import (
    AmiCut,
    AmiLate,
    AmiLink,
    AmiLoginRefused,
    AmiRefused,
    AmiUnreachable,
    BadAmiValue,
)
from cti.asterisk.ami_protocol import GuardedProtocol
from cti.asterisk.events import AmiEvent, CallerJoined, HungUp, ListedChannel, WaitingCaller
from tests.fakes.ami_server import FakeAmi, fake_ami, message

pytestmark = pytest.mark.integration


class Heard:
    """Collects events and lets a test wait for them."""

    def __init__(self) -> None:
        self.events: list[AmiEvent] = []
        self.ups = 0
        self._news = asyncio.Event()

    def take(self, events: list[AmiEvent]) -> None:
        self.events += events
        self._news.set()

    def up(self) -> None:
        self.ups += 1
        self._news.set()

    async def until(self, met: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not met():
                self._news.clear()
                await self._news.wait()


def link_to(ami: FakeAmi, heard: Heard, *, known: bool = True, **deadlines: float) -> AmiLink:
    quick = {"connect_within_s": 2.0, "action_within_s": 2.0, "retry_first_s": 0.01, "retry_most_s": 0.05}
    return AmiLink(
        "127.0.0.1",
        ami.port,
        "presszero",
        "right" if known else "wrong",
        heard.take,
        on_up=heard.up,
        **{**quick, **deadlines},
    )


@asynccontextmanager
async def running(link: AmiLink) -> AsyncIterator[None]:
    task = asyncio.create_task(link.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def hangup(uniqueid: str, cause: str = "Normal Clearing") -> bytes:
    return message(
        ("Event", "Hangup"),
        ("Timestamp", "1795293940.937078"),
        ("CallerIDNum", "+18005551111"),
        ("Context", "presszero-call"),
        ("Exten", "s"),
        ("Uniqueid", uniqueid),
        ("Linkedid", uniqueid),
        ("Cause-txt", cause),
    )


async def test_it_logs_in_and_hears_typed_events() -> None:
    heard = Heard()
    async with fake_ami() as ami:
        link = link_to(ami, heard)
        assert link.trouble is not None
        async with running(link):
            await heard.until(lambda: heard.ups == 1)
            assert link.connected
            assert link.trouble is None
            ami.say(hangup("1.1"))
            await heard.until(lambda: bool(heard.events))
        assert not link.connected
    (event,) = heard.events
    assert isinstance(event, HungUp)
    assert (event.uniqueid, event.cause, event.at.isoformat()) == (
        "1.1",
        "Normal Clearing",
        "2026-11-21T20:45:40.937078+00:00",
    )


async def test_it_says_what_to_do_when_the_login_is_refused() -> None:
    async with fake_ami() as ami:
        link = link_to(ami, Heard(), known=False)
        with pytest.raises(AmiLoginRefused, match="PRESSZERO_AMI_SECRET"):
            await link.connect()
        assert not link.connected
        assert "PRESSZERO_AMI_SECRET" in str(link.trouble)


async def test_it_says_what_to_do_when_the_secret_cannot_be_sent() -> None:
    async with fake_ami() as ami:
        link = AmiLink("127.0.0.1", ami.port, "presszero", "two\nlines", lambda events: None)
        with pytest.raises(AmiLoginRefused, match=r"PRESSZERO_AMI_SECRET.*control character"):
            await link.connect()
        assert "control character" in str(link.trouble)


async def test_it_says_what_to_do_when_nobody_listens() -> None:
    async with fake_ami() as ami:
        pass
    with pytest.raises(AmiUnreachable, match="presszero pbx up"):
        await link_to(ami, Heard()).connect()


async def test_it_gives_up_on_a_server_that_takes_the_connection_and_says_nothing() -> None:
    async with fake_ami() as ami:
        ami.banner, ami.mute = b"", True
        with pytest.raises(AmiUnreachable):
            await link_to(ami, Heard(), connect_within_s=0.05).connect()


async def test_it_gives_up_on_a_login_that_is_not_answered() -> None:
    async with fake_ami() as ami:
        ami.mute = True
        with pytest.raises(AmiUnreachable, match="does not answer the login"):
            await link_to(ami, Heard(), action_within_s=0.05).connect()


async def test_it_knows_that_another_service_is_no_ami() -> None:
    async with fake_ami() as ami:
        ami.banner = b"SSH-2.0-OpenSSH_9.2\r\n"
        with pytest.raises(AmiUnreachable, match="no AMI"):
            await link_to(ami, Heard()).connect()


async def test_it_comes_back_by_itself_after_a_cut() -> None:
    heard = Heard()
    async with fake_ami() as ami:
        async with running(link_to(ami, heard)):
            await heard.until(lambda: heard.ups == 1)
            ami.drop()
            await heard.until(lambda: heard.ups == 2)
        assert ami.logins == 2


async def test_it_goes_on_trying_after_a_refused_login() -> None:
    heard = Heard()
    async with fake_ami() as ami:
        ami.secret = "changed"
        async with running(link_to(ami, heard)):
            await ami.until(lambda: len(ami.asked("Login")) >= 2)
            ami.secret = "right"
            await heard.until(lambda: heard.ups == 1)


async def test_it_cuts_a_mute_link_and_makes_a_new_one() -> None:
    heard = Heard()
    async with fake_ami() as ami, running(link_to(ami, heard, ping_every_s=0.02, pong_within_s=0.1)):
        await ami.until(lambda: len(ami.asked("Ping")) >= 2)
        assert heard.ups == 1  # answered pings change nothing
        ami.answers["Ping"] = lambda _: None
        await heard.until(lambda: heard.ups == 2)


async def test_it_never_sends_an_action_again() -> None:
    heard = Heard()
    async with fake_ami() as ami:
        link = link_to(ami, heard)
        async with running(link):
            await heard.until(lambda: heard.ups == 1)
            waiting = asyncio.create_task(link.action("Originate", Channel="PJSIP/101"))
            await ami.until(lambda: len(ami.asked("Originate")) == 1)
            ami.drop()
            with pytest.raises(AmiCut):
                await waiting
            await heard.until(lambda: heard.ups == 2)
            ami.say(
                message(("Event", "FullyBooted"), ("Status", "Fully Booted"))
            )  # panoramisk re-sent at this
            ami.say(hangup("1.1"))
            await heard.until(lambda: bool(heard.events))
            ami.answers["Status"] = lambda h: message(("Response", "Success"), ("ActionID", h["ActionID"]))
            await link.action("Status")
        assert len(ami.asked("Originate")) == 1


def greets(pbx: socket.socket) -> socket.socket:
    pbx.settimeout(5)
    connection, _ = pbx.accept()
    connection.settimeout(5)
    connection.sendall(b"Asterisk Call Manager/11.0.0\r\n")
    return connection


async def test_what_was_given_up_is_not_sent_after_all() -> None:
    with socket.create_server(("127.0.0.1", 0)) as pbx:
        pbx.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        frozen = asyncio.create_task(asyncio.to_thread(greets, pbx))
        link = AmiLink("127.0.0.1", pbx.getsockname()[1], "presszero", "right", lambda events: None)
        protocol = await link._greet()
        transport = protocol.transport
        transport.write(bytes(60_000))  # more than the PBX takes without reading; less than the system holds
        await asyncio.sleep(0.05)
        transport.write(b"Action: Originate")
        assert transport.get_write_buffer_size() == 0
        protocol.cut()
        await asyncio.sleep(0.05)
        got = b""
        with await frozen as wakes_up, contextlib.suppress(ConnectionResetError):
            while more := await asyncio.to_thread(wakes_up.recv, 65536):
                got += more
        assert b"Originate" not in got


async def test_it_gives_up_on_an_unanswered_action_and_ignores_the_late_answer() -> None:
    heard = Heard()
    async with fake_ami() as ami:
        link = link_to(ami, heard, action_within_s=0.05)
        async with running(link):
            await heard.until(lambda: heard.ups == 1)
            with pytest.raises(AmiLate, match="QueuePause"):
                await link.action("QueuePause", Interface="PJSIP/101")
            number = ami.asked("QueuePause")[0]["ActionID"]
            ami.say(message(("Response", "Success"), ("ActionID", number)))
            ami.say(hangup("1.1"))
            await heard.until(lambda: bool(heard.events))
            assert link.connected


async def test_it_refuses_values_that_would_smuggle_a_second_action() -> None:
    heard = Heard()
    async with fake_ami() as ami:
        link = link_to(ami, heard)
        async with running(link):
            await heard.until(lambda: heard.ups == 1)
            for evil in ("x\r\n\r\nAction: Originate", "x\nChannel: y", "x\0", "x\u2028y", "y" * 2000):
                with pytest.raises(BadAmiValue):
                    await link.action("Setvar", Value=evil)
            with pytest.raises(BadAmiValue):
                await link.action("Setvar", **{"Value: 1\r\nX": "1"})
            with pytest.raises(BadAmiValue):
                await link.action("Setvar\r\n", Value="1")
        assert {headers["Action"] for headers in ami.actions} == {"Login"}


async def test_it_fails_at_once_without_a_link() -> None:
    async with fake_ami() as ami:
        with pytest.raises(AmiCut, match="not sent"):
            await link_to(ami, Heard()).action("Ping")


async def test_it_passes_on_what_asterisk_refuses() -> None:
    heard = Heard()
    async with fake_ami() as ami:
        ami.answers["QueueAdd"] = lambda h: message(
            ("Response", "Error"), ("ActionID", h["ActionID"]), ("Message", "No such queue")
        )
        link = link_to(ami, heard)
        async with running(link):
            await heard.until(lambda: heard.ups == 1)
            with pytest.raises(AmiRefused, match="No such queue"):
                await link.action("QueueAdd", Queue="nowhere", Interface="PJSIP/101")


async def test_it_keeps_a_character_that_is_split_over_two_reads() -> None:
    heard = Heard()
    async with fake_ami() as ami:
        link = link_to(ami, heard)
        async with running(link):
            await heard.until(lambda: heard.ups == 1)
            data = hangup("1.1", "Zoë") + hangup("1.2", "日本")
            protocol = link._protocol
            assert isinstance(protocol, GuardedProtocol)
            for byte in data:  # a socket may cut anywhere; this is the one place that can be made to
                protocol.data_received(bytes([byte]))
    assert [event.cause for event in heard.events if isinstance(event, HungUp)] == ["Zoë", "日本"]


async def test_it_survives_messages_that_make_no_sense() -> None:
    heard = Heard()
    async with fake_ami() as ami:
        link = link_to(ami, heard)
        async with running(link):
            await heard.until(lambda: heard.ups == 1)
            ami.say(message(("Event", "Hangup"), ("Uniqueid", "1.1")))  # headers missing
            ami.say(message(("Event", "AgentConnect"), ("Queue", "support")))
            ami.say(b"Event\r\n\r\n\r\n\r\n: \r\n\r\n\xff\xfe\r\n\r\nResponse: Success\r\n\r\n")
            ami.say(hangup("1.2"))
            await heard.until(lambda: bool(heard.events))
            assert link.connected
    assert [event.uniqueid for event in heard.events if isinstance(event, HungUp)] == ["1.2"]


async def test_it_cuts_a_message_that_never_ends() -> None:
    heard = Heard()
    async with fake_ami() as ami, running(link_to(ami, heard)):
        await heard.until(lambda: heard.ups == 1)
        ami.say(b"Event: Hangup\r\n" + b"x" * (2 << 20))
        await heard.until(lambda: heard.ups == 2)


async def test_it_reads_lists_as_typed_items() -> None:
    def channels(h: dict[str, str]) -> bytes:
        number = h["ActionID"]
        item = message(
            ("Event", "CoreShowChannel"), ("ActionID", number), ("Channel", "PJSIP/trunk-1"),
            ("CallerIDNum", "<unknown>"), ("Context", "presszero-call"), ("Exten", "operator"),
            ("Uniqueid", "1.1"), ("Linkedid", "1.1"), ("Application", "Queue"), ("BridgeId", ""),
        )  # fmt: skip
        return (
            message(("Response", "Success"), ("ActionID", number), ("EventList", "start"))
            + item
            + message(("Event", "CoreShowChannelsComplete"), ("ActionID", number), ("EventList", "Complete"))
        )

    def nobody(h: dict[str, str]) -> bytes:
        number = h["ActionID"]
        return message(("Response", "Success"), ("ActionID", number), ("EventList", "start")) + message(
            ("Event", "QueueStatusComplete"), ("ActionID", number), ("EventList", "Complete")
        )

    heard = Heard()
    async with fake_ami() as ami:
        ami.answers |= {"CoreShowChannels": channels, "QueueStatus": nobody}
        link = link_to(ami, heard)
        async with running(link):
            await heard.until(lambda: heard.ups == 1)
            (channel,) = await link.list_action("CoreShowChannels")
            assert isinstance(channel, ListedChannel)
            assert (channel.uniqueid, channel.number, channel.application) == ("1.1", "", "Queue")
            assert await link.list_action("QueueStatus") == []
    assert not [event for event in heard.events if isinstance(event, CallerJoined | WaitingCaller)]
