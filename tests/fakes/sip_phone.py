"""A caller's telephone in Python: real SIP and RTP over UDP, every packet heard with its time.

Serves measurements on the wire: what a second Asterisk does between its tape and its socket is not in them.
Calls only, PCMU only, no registration, no retransmission: for loopback.
"""

import asyncio
import contextlib
import random
import re
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

FRAME = 160  # samples, 20 ms
FRAME_S = 0.02
_SILENCE = b"\xff" * FRAME
_EVENT_TYPE = 101
_DEADLINE_S = 15.0


def _table() -> NDArray[np.int16]:
    code = ~np.arange(256, dtype=np.uint8)
    magnitude = (((code & 0x0F).astype(np.int32) << 3) + 0x84) << ((code & 0x70) >> 4)
    return np.where(code & 0x80, 0x84 - magnitude, magnitude - 0x84).astype(np.int16)


LINEAR = _table()
"""Sample values of the 256 µ-law codes (G.711)."""


def to_ulaw(pcm: bytes) -> bytes:
    """16-bit little-endian samples as µ-law."""
    samples = np.clip(np.frombuffer(pcm, "<i2").astype(np.int32), -32635, 32635)
    magnitude = np.abs(samples) + 0x84
    exponent = np.maximum(np.floor(np.log2(magnitude)).astype(np.int32) - 7, 0)
    code = (np.where(samples < 0, 0x80, 0) | exponent << 4 | (magnitude >> (exponent + 3)) & 0x0F).astype(
        np.uint8
    )
    return bytes(~code)


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet of audio, as it was sent or as it arrived."""

    at: float  # the event loop's clock
    samples: NDArray[np.int16]

    @property
    def peak(self) -> int:
        """Its loudest sample."""
        return int(np.abs(self.samples.astype(np.int32)).max(initial=0))


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, received: Callable[[bytes], None]) -> None:
        self._received = received

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._received(data)


class SipPhone:
    """`async with SipPhone(...) as phone:` is an answered call; leaving the block hangs up."""

    def __init__(self, pbx: tuple[str, int], *, host: str, caller: str, line: str) -> None:
        """`host`: the address that the PBX takes for the telephone network."""
        self._pbx, self._host, self._caller, self._line = pbx, host, caller, line
        self.heard: list[Packet] = []
        self.hung_up = asyncio.Event()
        self._to_say: deque[bytes] = deque()
        self._said = asyncio.Event()
        self._replies: asyncio.Queue[str] = asyncio.Queue()
        self._call_id, self._tag = secrets.token_hex(8), secrets.token_hex(4)
        self._to = f"<sip:{line}@{pbx[0]}:{pbx[1]}>"
        self._speaking: asyncio.Task[None] | None = None
        self._rtp_to: tuple[str, int] = ("", 0)
        self._sequence, self._time = random.randrange(30000), random.randrange(2**31)
        self.sent_at = 0.0
        """When the last packet went out."""

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._sip, _ = await loop.create_datagram_endpoint(lambda: _Udp(self._sip_came), (self._host, 0))
        self._rtp, _ = await loop.create_datagram_endpoint(lambda: _Udp(self._rtp_came), (self._host, 0))
        self._sip_port = self._sip.get_extra_info("sockname")[1]
        await self._invite()
        self._speaking = asyncio.create_task(self._speak())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.hung_up.is_set():
            self._send("BYE", 2)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2):
                    await self._replies.get()
        if self._speaking is not None:
            self._speaking.cancel()
        self._sip.close()
        self._rtp.close()

    def say(self, pcm: bytes) -> None:
        """Speak: the first packet goes out within 20 ms."""
        coded = to_ulaw(pcm)
        self._said.clear()
        self._to_say.extend(coded[at : at + FRAME] for at in range(0, len(coded) - FRAME + 1, FRAME))

    async def said(self) -> None:
        """Wait until all has been sent."""
        async with asyncio.timeout(_DEADLINE_S):
            await self._said.wait()

    async def press(self, digit: str) -> float:
        """Press a key for 80 ms (RFC 4733); the time of the packet that ends it."""
        began, code = self._time, "0123456789*#ABCD".index(digit)
        for number in range(7):
            end = number >= 4
            duration = min(number + 1, 4) * FRAME
            payload = bytes([code, 0x8A if end else 0x0A]) + duration.to_bytes(2, "big")
            if number == 4:
                ended = asyncio.get_running_loop().time()
            self._packet(payload, _EVENT_TYPE, began, marker=number == 0)
            if not end:
                await asyncio.sleep(FRAME_S)
        return ended

    async def sounds(self, within_s: float = _DEADLINE_S) -> None:
        """Wait until something is to be heard."""
        since = len(self.heard)
        async with asyncio.timeout(within_s):
            while not any(packet.peak > LOUD for packet in self.heard[since:]):  # noqa: ASYNC110 -- packets have no event
                await asyncio.sleep(FRAME_S)

    async def quiet(self, for_s: float, within_s: float = _DEADLINE_S) -> None:
        """Wait until the other side has been silent for so long."""
        async with asyncio.timeout(within_s):
            while any(packet.peak > LOUD for packet in self._latest(for_s)):  # noqa: ASYNC110 -- as above
                await asyncio.sleep(FRAME_S)

    def _latest(self, seconds: float) -> list[Packet]:
        return self.heard[-round(seconds / FRAME_S) :]

    # --- SIP ---

    async def _invite(self) -> None:
        port = self._rtp.get_extra_info("sockname")[1]
        sdp = (
            f"v=0\r\no=- 1 1 IN IP4 {self._host}\r\ns=-\r\nc=IN IP4 {self._host}\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP 0 {_EVENT_TYPE}\r\na=rtpmap:0 PCMU/8000\r\n"
            f"a=rtpmap:{_EVENT_TYPE} telephone-event/8000\r\na=fmtp:{_EVENT_TYPE} 0-16\r\na=ptime:20\r\n"
        )
        self._send("INVITE", 1, sdp)
        async with asyncio.timeout(_DEADLINE_S):
            while True:
                reply = await self._replies.get()
                status = int(reply.split(" ", 2)[1])
                if status >= 300:
                    raise ConnectionError(f"the PBX answered {status}")
                if status >= 200:
                    break
        self._to = _header(reply, "To")
        address = re.search(r"^c=IN IP4 (\S+)", reply, re.MULTILINE)
        media = re.search(r"^m=audio (\d+)", reply, re.MULTILINE)
        if address is None or media is None:
            raise ConnectionError("the PBX offered no audio")
        self._rtp_to = (address[1], int(media[1]))
        self._send("ACK", 1)

    def _send(self, method: str, number: int, body: str = "") -> None:
        lines = [
            f"{method} sip:{self._line}@{self._pbx[0]}:{self._pbx[1]} SIP/2.0",
            f"Via: SIP/2.0/UDP {self._host}:{self._sip_port};branch=z9hG4bK{secrets.token_hex(6)};rport",
            "Max-Forwards: 70",
            f"From: <sip:{self._caller}@{self._host}:{self._sip_port}>;tag={self._tag}",
            f"To: {self._to}",
            f"Call-ID: {self._call_id}",
            f"CSeq: {number} {method}",
            f"Contact: <sip:{self._caller}@{self._host}:{self._sip_port}>",
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        self._sip.sendto(("\r\n".join(lines) + "\r\n\r\n" + body).encode(), self._pbx)

    def _sip_came(self, data: bytes) -> None:
        text = data.decode(errors="replace")
        if text.startswith("SIP/2.0"):
            self._replies.put_nowait(text)
            return
        if text.startswith("BYE"):
            self.hung_up.set()
        if not text.startswith("ACK"):
            kept = [f"{name}: {_header(text, name)}" for name in ("Via", "From", "To", "Call-ID", "CSeq")]
            self._sip.sendto(
                "\r\n".join(["SIP/2.0 200 OK", *kept, "Content-Length: 0", "", ""]).encode(), self._pbx
            )

    # --- RTP ---

    def _rtp_came(self, data: bytes) -> None:
        if len(data) > 12 and data[1] & 0x7F == 0:
            samples = LINEAR[np.frombuffer(data[12:], np.uint8)]
            self.heard.append(Packet(asyncio.get_running_loop().time(), samples))

    async def _speak(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            payload = self._to_say.popleft() if self._to_say else _SILENCE
            self._packet(payload, 0, self._time)
            self.sent_at = loop.time()
            if not self._to_say:
                self._said.set()
            self._time = (self._time + FRAME) % 2**32
            due += FRAME_S
            await asyncio.sleep(max(0.0, due - loop.time()))

    def _packet(self, payload: bytes, kind: int, time: int, *, marker: bool = False) -> None:
        self._sequence = (self._sequence + 1) % 2**16
        head = bytes([0x80, kind | (0x80 if marker else 0)]) + self._sequence.to_bytes(2, "big")
        self._rtp.sendto(head + time.to_bytes(4, "big") + b"PZph" + payload, self._rtp_to)


LOUD = 100
"""Sample value above which a packet is heard as sound."""


def _header(message: str, name: str) -> str:
    found = re.search(rf"^{name}:[ \t]*(.*?)\r?$", message, re.MULTILINE | re.IGNORECASE)
    return found[1] if found else ""
