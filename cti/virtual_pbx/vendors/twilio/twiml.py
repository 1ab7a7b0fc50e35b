"""TwiML: what a caller hears next, written down. Pure; knows no call and no scenario.

Source: Twilio's documentation of TwiML for voice.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from cti.virtual_pbx.contract import Reply

MOST_AT_ONCE = 10  # phones that one `<Dial>` may ring
LONGEST_MESSAGE_S = 300
SILENCE_S = 6  # ends a message
LEG_EVENTS = "initiated ringing answered completed"
RECORDED = "record-from-answer-dual"  # the caller on one channel, whom they talk to on the other


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone to ring: "+12025550199", "sip:…" or "client:…", and where to tell what becomes of it."""

    address: str
    status: str


class Twiml:
    """Verbs, one after the other."""

    def __init__(self) -> None:
        self._root = ET.Element("Response")

    def reply(self) -> Reply:
        """As Twilio is answered."""
        text = ET.tostring(self._root, encoding="unicode")
        return Reply(f'<?xml version="1.0" encoding="UTF-8"?>{text}', content_type="text/xml")

    def play(self, sounds: Iterable[str]) -> "Twiml":
        """One after the other."""
        for sound in sounds:
            self._verb("Play", sound)
        return self

    def pause(self, seconds: int) -> "Twiml":
        """Silence."""
        self._verb("Pause", length=str(seconds))
        return self

    def gather(self, action: str, sounds: Sequence[str], wait_s: int) -> "Twiml":
        """Play, and wait for one key, which ends both; Twilio asks `action` then, also if there is none."""
        gather = self._verb(
            "Gather", input="dtmf", numDigits="1", timeout=str(max(1, wait_s)), finishOnKey="",
            actionOnEmptyResult="true", action=action, method="POST",
        )  # fmt: skip
        for sound in sounds:
            ET.SubElement(gather, "Play").text = sound
        return self

    def dial(
        self,
        phones: Sequence[Phone],
        action: str,
        *,
        ring_s: int,
        recording: str = "",
        caller_id: str = "",
    ) -> "Twiml":
        """Ring them all, connect whoever answers first; Twilio asks `action` afterwards.

        Args:
            recording: where to tell of the recording; empty: none is made.
            caller_id: shown on the phones; empty: the caller's.
        """
        options = {"action": action, "method": "POST", "timeout": str(ring_s)}
        if recording:
            options |= {"record": RECORDED, "recordingStatusCallback": recording,
                        "recordingStatusCallbackEvent": "completed"}  # fmt: skip
        if caller_id:
            options["callerId"] = caller_id
        dial = self._verb("Dial", **options)
        for phone in phones[:MOST_AT_ONCE]:
            scheme, _, rest = phone.address.partition(":")
            noun, text = {"sip": ("Sip", phone.address), "client": ("Client", rest)}.get(
                scheme, ("Number", phone.address)
            )
            ET.SubElement(dial, noun, statusCallback=phone.status, statusCallbackEvent=LEG_EVENTS).text = text
        return self

    def record(self, action: str, recording: str) -> "Twiml":
        """A tone, and the caller's message; a zero ends it."""
        self._verb(
            "Record", action=action, method="POST", maxLength=str(LONGEST_MESSAGE_S), timeout=str(SILENCE_S),
            finishOnKey="0#*", playBeep="true", trim="do-not-trim", recordingStatusCallback=recording,
            recordingStatusCallbackEvent="completed",
        )  # fmt: skip
        return self

    def stream(self, address: str) -> "Twiml":
        """The call's audio goes to a WebSocket and back, until that is closed."""
        ET.SubElement(self._verb("Connect"), "Stream", url=address)
        return self

    def redirect(self, address: str) -> "Twiml":
        """Ask there what comes next."""
        self._verb("Redirect", address, method="POST")
        return self

    def hang_up(self) -> "Twiml":
        """The call is over."""
        self._verb("Hangup")
        return self

    def _verb(self, name: str, text: str | None = None, /, **options: str) -> ET.Element:
        element = ET.SubElement(self._root, name, options)
        element.text = text
        return element
