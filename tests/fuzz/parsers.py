"""The parsers behind every door, each with real inputs to begin from, and what it may raise.

Pure parsers only, fed in memory; whole servers are fed over sockets by `doors.py`.
"""

import asyncio
import contextlib
import json
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
from pydantic import ValidationError

from cti.asterisk import cdr
from cti.asterisk.ami_protocol import BadAmiValue, GuardedProtocol, checked
from cti.asterisk.cdr import UnreadableCdr
from cti.asterisk.events import LIVE, Headers, UnreadableAmiEvent, read
from cti.asterisk.translate import Translator
from cti.customers.answers import BadAnswer
from cti.customers.crm_answer import read_answer
from cti.spill import from_line, to_line
from cti.virtual_pbx.contract import VirtualPbx
from cti.web.inputs import (
    Credentials,
    IncidentForm,
    NewCustomer,
    NewIncident,
    PromiseAct,
    PromiseEnd,
    TicketPath,
)
from cti.web.list_inputs import CallQuery
from cti.web.login_page import safe_target
from cti.web.ticket_inputs import Assignment, MissedMarks, NewNote, NewReminder, StatusForm, TicketEdit
from ivr.agi import HEADER_BYTES, AgiError, parse_reply, quote, read_line, read_request
from ivr.scenario_file import BadScenario, load_scenario
from recordings.naming import spooled_call_id, store_key
from recordings.wav import BadAudio, read_header
from tests.fakes.virtual_pbx import adapter_of
from tests.fakes.wav_files import tone, wav_bytes
from tests.fuzz.mutate import Mutator
from tests.fuzz.runner import Feed, Target
from tickets.events import CallEvent
from tickets.facts import Fact
from tickets.numbers import normalise_number
from tickets.paging import BadCursor, read_cursor
from tickets.rows import event_row, storable
from tickets.vocabulary import EventKind
from voicebot import chan_websocket, twilio_stream
from voicebot.audiosocket import BadMessage, Decoder, Kind, encode
from voicebot.chan_websocket import BadText
from voicebot.media import Audio

REPOSITORY = Path(__file__).parents[2]
FAKES = REPOSITORY / "tests" / "fakes"
NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)


def _plain(feed: Callable[[bytes], object]) -> Callable[[], AbstractContextManager[Feed]]:
    """A parser that needs nothing brought up."""

    @contextmanager
    def start() -> Iterator[Feed]:
        yield lambda data, _mutator: feed(data) and None

    return start


# --- AMI


class _Wire(asyncio.Transport):
    """A transport that takes nothing anywhere."""

    def abort(self) -> None:
        """As the real one."""

    def is_closing(self) -> bool:
        """As the real one."""
        return False


@contextmanager
def _ami() -> Iterator[Feed]:
    loop = asyncio.new_event_loop()

    async def feed_one(data: bytes, mutator: Mutator) -> None:
        translator = Translator(_e164)

        def heard(events: list[Headers]) -> None:
            for number, headers in enumerate(events):
                try:
                    event = read(headers, NOW, number)
                except UnreadableAmiEvent:
                    continue
                for news in translator.translate(event) if event else ():
                    event_row(storable(news))

        protocol = GuardedProtocol(frozenset(LIVE), heard, lambda _protocol: None)
        protocol.connection_made(_Wire())
        for piece in mutator.pieces(b"Asterisk Call Manager/11.0.0\r\n" + data):
            protocol.data_received(piece)
        protocol.connection_lost(None)

    yield lambda data, mutator: loop.run_until_complete(feed_one(data, mutator))
    loop.close()


def _ami_seeds() -> tuple[bytes, ...]:
    text = (FAKES / "asterisk22.ami").read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    blocks = text.split(b"\r\n\r\n")[1:]
    kinds: dict[bytes, bytes] = {}
    for block in blocks:  # one of each kind, and a few whole calls
        kinds.setdefault(block.partition(b"\r\n")[0], block + b"\r\n\r\n")
    wanted = [block + b"\r\n\r\n" for block in blocks if block.partition(b"\r\n")[0][7:].decode() in LIVE]
    calls = [b"".join(wanted[start : start + 12]) for start in range(0, min(len(wanted), 96), 12)]
    return (*kinds.values(), *calls)


def _ami_value(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape") if len(data) % 2 else data.decode("latin-1")
    name, _, value = text.partition(": ")
    headers = checked("Originate", {name or "Channel": value})
    line = "\r\n".join(f"{key}: {word}" for key, word in headers.items())
    assert len(line.splitlines()) <= 2, "one header must stay one line"


# --- AGI


def _at_once(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that has no reason to wait: all it reads is there."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value
    work.close()
    raise AssertionError("it waits though everything is there")


@contextmanager
def _agi_request() -> Iterator[Feed]:
    loop = asyncio.new_event_loop()

    def feed(data: bytes, mutator: Mutator) -> None:
        reader = asyncio.StreamReader(HEADER_BYTES, loop)
        for piece in mutator.pieces(data):
            reader.feed_data(piece)
        reader.feed_eof()
        request = _at_once(read_request(reader))
        assert isinstance(request.script, str)
        assert request.get("agi_callerid") != "unknown"

    yield feed
    loop.close()


@contextmanager
def _agi_reply() -> Iterator[Feed]:
    loop = asyncio.new_event_loop()

    def feed(data: bytes, _mutator: Mutator) -> None:
        reader = asyncio.StreamReader(HEADER_BYTES, loop)
        reader.feed_data(data)
        reader.feed_eof()
        while True:
            line = _at_once(read_line(reader))
            reply = parse_reply(line)
            assert -(2**31) <= reply.result < 2**31

    yield feed
    loop.close()


def _agi_quote(data: bytes) -> None:
    try:
        quoted = quote(data.decode("latin-1"))
    except ValueError:
        return
    assert "\n" not in quoted
    assert quoted.replace("\\\\", "").replace('\\"', "").count('"') == 2


# --- AudioSocket


@contextmanager
def _audiosocket() -> Iterator[Feed]:
    def feed(data: bytes, mutator: Mutator) -> None:
        decoder = Decoder()
        for piece in mutator.pieces(data):
            for message in decoder.feed(piece):
                if message.kind is Kind.UUID:
                    assert message.call.bytes == message.payload
                elif message.kind is Kind.DIGIT:
                    assert len(message.digit) == 1

    yield feed


# --- Asterisk's WebSocket channel


def _channel_text(data: bytes) -> None:
    told = chan_websocket.read(data.decode("utf-8", "replace"))
    if isinstance(told, chan_websocket.Pressed):
        assert len(told.digit) == 1


# --- Twilio


_STREAM = twilio_stream.TwilioStream("MZ1")
STREAM_TEXTS = (
    b'{"event":"start","start":{"streamSid":"MZ1","callSid":"CA1","mediaFormat":{"encoding":"audio/x-mulaw",'
    b'"sampleRate":8000,"channels":1}}}',
    b'{"event":"media","media":{"track":"inbound","payload":"//8="}}',
    b'{"event":"dtmf","dtmf":{"digit":"5"}}',
    b'{"event":"mark","mark":{"name":"7"}}',
    b'{"event":"stop"}',
)
TWILIO_FORMS = (
    b"leg?who=101&t=1772443800\nCallSid=CA2&ParentCallSid=CA1&CallStatus=completed&CallDuration=60",
    b"menu?s=eyJzdGFnZSI6Im1lbnUiLCJvcGVuIjp0cnVlLCJtZW51IjoibWFpbiJ9\nCallSid=CA1&Digits=1",
    b"operators?q=support&t=1772443800&w=asked&v=2\nCallSid=CA1&CallStatus=in-progress",
    b"recording\nCallSid=CA1&RecordingSid=RE1&RecordingStatus=completed&RecordingStartTime=Mon, 02 Mar 2026",
    b"record\nsid=CA1&direction=inbound&status=completed&start_time=Mon, 02 Mar 2026 09:30:00 +0000",
)


def _stream_text(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    with contextlib.suppress(BadText):
        twilio_stream.begun(text)
    told = _STREAM.read(text)
    if isinstance(told, Audio):
        assert len(told.pcm) % 2 == 0


def _twilio_form(adapter: VirtualPbx[Any], data: bytes) -> None:
    address, _, body = data.decode("utf-8", "replace").partition("\n")
    kind, _, query = address.partition("?")
    told = {"form": dict(parse_qsl(body)), "asked": dict(parse_qsl(query))}
    facts = [Fact("twilio", "1", "twilio-1", kind, NOW, told)]
    for event in adapter.tell(facts):
        event_row(storable(event))
    adapter.tapes(facts)


# --- files


def _cdr(data: bytes) -> None:
    rows = [cdr.read_line(line) for line in data.decode("utf-8", "replace").split("\n") if line]
    for stretches in cdr.calls_of(rows).values():
        for event in cdr.events_of(stretches, _e164, ()):
            event_row(storable(event))


def _wav(data: bytes) -> None:
    header = read_header(data[:4096])
    for size in (0, 44, len(data), 1 << 40):
        assert 0 <= header.data_bytes(size) <= size
        header.is_finished(size)


def _spilt(data: bytes) -> None:
    event = from_line(data)
    row = event_row(storable(event))
    json.loads(row["data"])
    assert storable(from_line(to_line(storable(event)))) == storable(event)


@contextmanager
def _scenario() -> Iterator[Feed]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scenario.yaml"

        def feed(data: bytes, _mutator: Mutator) -> None:
            path.write_bytes(data)
            load_scenario(path)

        yield feed


def _scenario_seeds() -> tuple[bytes, ...]:
    whole = (REPOSITORY / "scenarios" / "lottery.yaml").read_bytes()
    parts = whole.split(b"\n\n")
    small = [b"\n".join(parts[start : start + 3]) for start in range(0, len(parts), 2)]
    return (*small, *small, whole)


# --- words of people


def _e164(raw: str) -> str | None:
    return normalise_number(raw, "US")


def _number(data: bytes) -> None:
    number = _e164(data.decode("utf-8", "replace"))
    assert number is None or (number[0] == "+" and number[1:].isdecimal() and len(number) <= 16)
    assert number is None or _e164(number) == number


def _cursor(data: bytes) -> None:
    read_cursor(data.decode("latin-1"), datetime, str)


_MODELS = (
    Credentials, NewCustomer, NewNote, TicketEdit, Assignment, NewReminder, MissedMarks, StatusForm,
    NewIncident, IncidentForm, PromiseEnd, PromiseAct,
)  # fmt: skip


def _form(data: bytes) -> None:
    for model in _MODELS:
        try:
            model.model_validate_json(data)
        except ValidationError as error:
            error.errors(include_url=False, include_context=False, include_input=False)
    text = data.decode("utf-8", "replace")
    for query in (
        {"limit": text},
        {"cursor": text},
        {"state": text},
        {"operator": text},
        {"customer_id": text},
    ):
        try:
            CallQuery.model_validate(query)
        except ValidationError:
            continue
    TicketPath.model_validate({"ticket": text})


def _target(data: bytes) -> None:
    target = safe_target(data.decode("utf-8", "replace"))
    assert target.startswith("/")
    assert target[1:2] not in {"/", "\\"}


def _spooled(data: bytes) -> None:
    call_id = spooled_call_id(data.decode("utf-8", "surrogateescape"))
    if call_id is not None:
        assert "/" not in call_id
        assert store_key(call_id, NOW.date()).count("/") == 3


REQUEST = (
    b"agi_network: yes\nagi_network_script: reception\nagi_request: agi://127.0.0.1:4573/reception\n"
    b"agi_channel: PJSIP/trunk-00000001\nagi_language: en\nagi_type: PJSIP\nagi_uniqueid: pz-1795293936.1\n"
    b"agi_version: 22.10.1\nagi_callerid: +18005551111\nagi_calleridname: unknown\nagi_callingpres: 0\n"
    b"agi_dnid: unknown\nagi_rdnis: unknown\nagi_context: presszero-call\nagi_extension: s\nagi_priority: 3\n"
    b"agi_enhanced: 0.0\nagi_accountcode: \nagi_threadid: 140135\n\n"
)
REPLIES = (
    b"200 result=0\n", b"200 result=1 (pz-1.1)\n", b"200 result=-1\n", b"200 result=49 endpos=8000\n",
    b"510 Invalid or unknown command\n", b"511 Command Not Permitted on a dead channel\n", b"HANGUP\n",
    b"520-Invalid command syntax.  Proper usage follows:\nUsage\n520 End of proper usage.\n",
)  # fmt: skip
AUDIO = (
    encode(Kind.UUID, bytes(range(16))),
    encode(Kind.UUID, bytes(16)) + encode(Kind.AUDIO, bytes(320)) * 3 + encode(Kind.DIGIT, b"0"),
    encode(Kind.AUDIO, bytes(3200)),
    encode(Kind.DIGIT, b"#") + encode(Kind.ERROR, b"\1") + encode(Kind.END),
)
CHANNEL_TEXTS = (
    b'{"event":"MEDIA_START","connection_id":"bot","channel":"WebSocket/bot/0x7f","channel_id":"1.2",'
    b'"format":"slin","optimal_frame_size":320,"ptime":20,"channel_variables":{"DIALEDPEERNUMBER":"bot/c(slin)"}}',
    b'{"event":"DTMF_END","channel_id":"1.2","digit":"0"}',
    b'{"event":"MEDIA_MARK_PROCESSED","channel_id":"1.2","correlation_id":"1"}',
    b'{"event":"MEDIA_XOFF","channel_id":"1.2"}',
    b'{"event":"ERROR","channel_id":"1.2","error_text":"Unable to parse JSON command"}',
)
_EVENT = CallEvent("ami", "received:pz-1.1", "pz-1.1", NOW, EventKind.RECEIVED, {"caller": "+12025550123"}, 0)
_SOUND = (
    wav_bytes(tone(0.02)),
    wav_bytes(tone(0.01), claimed=0),
    wav_bytes(tone(0.01), claimed=0xFFFFFFFF),
    wav_bytes(tone(0.01, rate=16000), rate=16000, channels=2),
    b"RIFF\0\0\0\0WAVELIST\4\0\0\0INFOfmt " + wav_bytes(np.zeros(4, np.int16))[16:],
)
_ADA = b'{"name": "Ada Lovelace", "vip_level": 2, "reference": "C-17"}'
_FORMS = (
    b'{"login": "grace", "password": "correct horse"}',
    b'{"name": "Ada", "numbers": ["+1 202 555 0123"], "vip_level": 2}',
    b'{"text": "She will call back."}',
    b'{"status": "closed", "version": 3}',
    b'{"topic": "Draw postponed", "text": "Not tonight.", "until": "2026-11-22T20:00:00-05:00"}',
    b'{"state": "excused", "reason": "A wrong number."}',
    b'{"act": "reached", "reason": "At the shop."}',
    b"PZ-1001",
    b"50",
)

TARGETS = (
    Target(
        "AMI events",
        _ami_seeds(),
        (b"Event: ", b"ActionID: ", b"Response: Success", b"Uniqueid: x"),
        260_000,
        _ami,
    ),
    Target("AMI values", (b"Channel: PJSIP/101", b"Number: +12025550123"), (), 40_000, _plain(_ami_value),
           (BadAmiValue,)),
    Target("AGI requests", (REQUEST, REQUEST[:200] + b"\n"), (b"agi_x: y\n",), 100_000, _agi_request,
           (AgiError,)),
    Target("AGI replies", REPLIES, (b"200 ", b"520-", b"result="), 100_000, _agi_reply, (AgiError,)),
    Target("AGI values", (b"/prompts/a", b'a "quoted" \\ word'), (), 30_000, _plain(_agi_quote)),
    Target("AudioSocket", AUDIO, (b"\x10\x01\x40", b"\x03\0\1", b"\x01\0\x10"), 130_000, _audiosocket,
           (BadMessage,)),
    Target("WebSocket texts", CHANNEL_TEXTS, (b"[" * 3000, b'{"a":' * 3000, b"null", b'"digit":'), 60_000,
           _plain(_channel_text), (chan_websocket.BadText,)),
    Target("Twilio's stream", STREAM_TEXTS, (b"[" * 3000, b"null", b'"payload":', b"===="), 30_000,
           _plain(_stream_text), (BadText,)),
    Target("Twilio's webhooks", TWILIO_FORMS, (b"&", b"=", b"%00", b"%ed%a0%80", b"9999999999", b"Digits="),
           20_000, _plain(partial(_twilio_form, adapter_of("twilio")))),
    Target("CDR lines", tuple((FAKES / "asterisk22_cdr.csv").read_bytes().splitlines(keepends=True)),
           (b'""', b'","', b"ANSWERED", b"queue", b"voicemail"), 80_000, _plain(_cdr), (UnreadableCdr,)),
    Target("WAV heads", _SOUND, (b"fmt ", b"data", b"LIST", b"\xff\xff\xff\xff"), 80_000, _plain(_wav),
           (BadAudio,)),
    Target("waiting events", (to_line(_EVENT),), (b"null", b"[" * 3000, b'{"a":' * 3000, b"1e400"), 40_000,
           _plain(_spilt), (ValueError,)),
    Target("scenario files", _scenario_seeds(),
           (b"&a ", b"*a", b"<<: ", b"!!python/object:os.system ", b"- " * 50, b"[" * 200, b"{" * 200, b"? "),
           9_000, _scenario, (BadScenario,)),
    Target("phone numbers", (b"+12025550123", b"(202) 555-0123", b"00 44 20 7946 0958", b"101", b"anonymous"),
           (b"+", b"ext", b";ext=", b"tel:", b"\xd9\xa1", b"\xef\xbc\x8b"), 50_000, _plain(_number)),
    Target("page cursors", (b"WyIyMDI2LTExLTIxVDIwOjAwOjAwKzAwOjAwIiwgInB6LTEuMSJd",), (b"W1tb" * 900, b"="),
           20_000, _plain(_cursor), (BadCursor,)),
    Target("web inputs", _FORMS, (b"null", b"[" * 500, b"\\u0000", b"\\ud800"), 25_000, _plain(_form),
           (ValidationError,)),
    Target("login targets", (b"/tickets?status=open", b"//evil.example", b"/\\evil"), (b"//", b"http:", b"@"),
           20_000, _plain(_target)),
    Target("names in the spool", (b"pz-1763750000.12-caller.wav", b"pz-1.2-heard.wav"), (b"-caller.wav",),
           10_000, _plain(_spooled)),
    Target("CRM answers", (_ADA, b'{"name": "Bob", "vip_level": 0}'),
           (b"null", b"[" * 1000, b"1e9", b"\\u0000"), 30_000,
           _plain(lambda data: read_answer(200, "application/json", data)), (BadAnswer,)),
)  # fmt: skip
