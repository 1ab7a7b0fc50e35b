"""How soon the bot falls silent when the caller speaks, on the wire of real calls.

A telephone in Python calls a real Asterisk over SIP; the service is the real one, a process of its own. The
time runs from the RTP packet with the first voiced sample of the caller (human prompts over the bot's
greeting) to the last packet with any sound of the bot that reaches the caller. Both ways through Asterisk and
its 20 ms packets are in it. The baseline is the same with a key instead of a voice: what the line and the bot
need when nothing has to be detected.
"""

import asyncio
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from cti.asterisk.install import Program, cache_folder, find_asterisk
from cti.demo.exchange import own_settings
from cti.demo.network import LINES_HOST
from cti.speech import choose_voice
from ivr.prompts import PromptBook
from ivr.scenario_file import load_scenario
from tests.fakes.human_prompts import human_prompts
from tests.fakes.scenarios import at_any_hour
from tests.fakes.sip_phone import SipPhone
from tests.house.centre import Centre, open_centre
from tickets.database import migrate

Row = dict[str, Any]

VOICES = 40
KEYS = 12
FRAME = 160  # samples
AFTER_S = 1.3  # the bot speaks for that long before the caller does, in steps that meet every part of a word
SILENT_S = 0.15  # no word has such a hole in it
WATCHED_S = 0.9  # a bot that has not fallen silent by then does not count as having done so
GREETING = (
    "Welcome to the lottery where everybody wins now and then, and where you may ask whatever you like about "
    "our many draws, our many prizes, our many shops, and the rules of all our games without any hurry."
)


@dataclass(frozen=True)
class Reaction:
    """One interruption. `seconds` is None where the bot went on speaking."""

    seconds: float | None


def run() -> list[Row]:
    """Rows of the bench table."""
    asterisk = find_asterisk()
    if asterisk is None or asterisk.sounds is None:
        print("Left out: no Asterisk here; `presszero pbx install` gets one.")
        return []
    return asyncio.run(_all(asterisk))


async def _all(asterisk: Program) -> list[Row]:
    prompts = [p for p in human_prompts(asterisk.tree or Path("/")) if 1.0 < p.seconds < 4.0]
    voices = [_from_first_sound(p.pcm) for p in prompts[:: max(1, len(prompts) // VOICES)]][:VOICES]
    # A short path of our own: Asterisk's control socket does not fit into long ones.
    with tempfile.TemporaryDirectory(prefix="pz-") as folder:
        scenario_file = Path(folder) / "bench.yaml"
        scenario_file.write_text(yaml.safe_dump(_scenario(), sort_keys=False))
        scenario = load_scenario(scenario_file)
        settings = own_settings(Path(folder), prompts=cache_folder() / "test-prompts")
        voice = choose_voice(scenario, settings.prompts_folder, asterisk.espeak)
        await PromptBook.prepare(scenario, voice, settings.prompts_folder)
        await asyncio.to_thread(migrate, settings.database_url)
        async with open_centre(asterisk, scenario, scenario_file, settings) as centre:
            await centre.start_service()
            keys = [await _interrupted(centre, None, n) for n in range(KEYS)]
            spoken = [await _interrupted(centre, pcm, n) for n, pcm in enumerate(voices)]
    return _rows(spoken, keys)


def _rows(spoken: Sequence[Reaction], keys: Sequence[Reaction]) -> list[Row]:
    times = [reaction.seconds for reaction in spoken if reaction.seconds is not None]
    bare = [reaction.seconds for reaction in keys if reaction.seconds is not None]
    name = "barge-in on a real call, first voiced packet to the bot's last sound"
    return [
        _row(f"{name}, median (baseline: a key)", statistics.median(times), "s", statistics.median(bare)),
        _row(f"{name}, 95th", float(np.percentile(times, 95)), "s", float(np.percentile(bare, 95))),
        _row("interruptions after which the bot fell silent", len(times), f"of {len(spoken)}", len(spoken)),
    ]


async def _interrupted(centre: Centre, pcm: bytes | None, number: int) -> Reaction:
    """One call: the menu's key, the bot's greeting, and a voice (or a key) over it."""
    pbx = ("127.0.0.1", centre.exchange.sip_port)
    async with SipPhone(pbx, host=LINES_HOST, caller="+12025550171", line="+18005550100") as phone:
        await phone.sounds()
        await phone.press("1")
        await phone.quiet(0.3)
        await phone.sounds()
        await asyncio.sleep(AFTER_S + 0.037 * (number % 20))
        began = await phone.press("0") if pcm is None else await _speak(phone, pcm)
        await asyncio.sleep(WATCHED_S)
        return Reaction(_silent_after(phone, began))


def _silent_after(phone: SipPhone, began: float) -> float | None:
    """From `began` to the last sound before the first silence; None where the bot went on speaking."""
    until = began + WATCHED_S
    sounds = [packet.at for packet in phone.heard if packet.peak > 0 and began - 0.1 < packet.at < until]
    for sound, following in zip(sounds, [*sounds[1:], until], strict=bool(sounds)):
        if following > began and following - sound >= SILENT_S:
            return max(0.0, sound - began)
    return None


async def _speak(phone: SipPhone, pcm: bytes) -> float:
    """Begin to speak; when the packet with the first voiced sample went out."""
    phone.say(pcm)
    before = phone.sent_at
    while phone.sent_at == before:  # noqa: ASYNC110 -- the packets are another task's
        await asyncio.sleep(0.0005)
    return phone.sent_at


def _from_first_sound(pcm: bytes) -> bytes:
    """Without the silence before: the first packet has the first voiced sample in it."""
    samples = np.frombuffer(pcm, "<i2").astype(np.int32)
    loud = np.flatnonzero(np.abs(samples) > 0.05 * np.abs(samples).max())
    return pcm[int(loud[0]) // FRAME * FRAME * 2 :]


def _scenario() -> dict[str, Any]:
    content = at_any_hour()
    content["prompts"]["greeting"] = "Lottery."
    content["bot"]["greeting"] = GREETING
    return content


def _row(name: str, figure: float, unit: str, baseline: float | None) -> Row:
    ratio = round(figure / baseline, 2) if baseline else None
    known = None if baseline is None else round(baseline, 3)
    return {"name": name, "figure": round(figure, 3), "unit": unit, "baseline": known, "ratio": ratio}


if __name__ == "__main__":
    for row in run():
        print(row)
