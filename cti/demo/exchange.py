"""The two exchanges of demo and house tests: the embedded PBX and, beyond it, the telephone network.

Builds both on loopback with ports nobody uses; knows nothing of the story that is played on them.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from cti.asterisk.config import EmbeddedPlan
from cti.asterisk.embedded import GUEST_NUMBER, Doors, PbxSecrets, build_embedded, keep_secrets, plan_pbx
from cti.asterisk.install import Program
from cti.asterisk.instance import Instance
from cti.demo.network import LINES_HOST, TelephoneNetwork, telephone_network
from cti.ports import free_port, free_udp_port
from cti.settings import Settings
from ivr.scenario import Scenario

PBX_RTP_START = 20000
NETWORK_RTP_START = 22000


@dataclass(frozen=True, slots=True)
class Exchange:
    """Both, running."""

    pbx: Instance
    network: TelephoneNetwork
    kept: PbxSecrets
    sip_port: int  # of the PBX, on 127.0.0.1


def own_settings(data: Path, **others: object) -> Settings:
    """Settings for a centre of one's own in `data`: every door on a free port of loopback."""
    ports = {
        name: free_port()
        for name in ("http_port", "agi_port", "audiosocket_port", "ami_port", "phone_port", "phone_tls_port")
    }
    return Settings.read(data=data, **{**ports, **others})


@asynccontextmanager
async def exchange(program: Program, scenario: Scenario, settings: Settings) -> AsyncIterator[Exchange]:
    """Run both while the block runs; recordings and CDRs land where `settings` says."""
    sip_port = free_udp_port()
    lines_port = free_udp_port(LINES_HOST)
    kept = keep_secrets(settings.data / "pbx-secrets.json", list(scenario.operators))
    doors = Doors(settings.agi_host, settings.agi_port, settings.audiosocket_host, settings.audiosocket_port)
    plan = plan_pbx(
        scenario, kept, doors, prompts=settings.prompts_folder / "static", spool=settings.spool_folder
    )
    embedded = EmbeddedPlan(
        program.share / "moh",
        sip_port,
        settings.ami_port,
        settings.phone_port,
        settings.phone_tls_port,
        tls_certificate=str(settings.tls.certificate) if settings.tls else "",
        tls_key=str(settings.tls.key) if settings.tls else "",
        phones=str((settings.data / "added-phones").absolute()),
        guest_secret=kept.guest if settings.ring_page else "",
        guest_number=GUEST_NUMBER,
        guest_line=next(iter(scenario.lines)),
        trunk_address=f"{LINES_HOST}:{lines_port}",
    )
    pbx = build_embedded(program, plan, settings.data / "pbx", embedded, PBX_RTP_START)
    await pbx.start_async()
    try:
        async with telephone_network(
            program,
            settings.data / "network",
            pbx_address=f"127.0.0.1:{sip_port}",
            lines_port=lines_port,
            phones=kept.phones,
            rtp_start=NETWORK_RTP_START,
        ) as network:
            yield Exchange(pbx, network, kept, sip_port)
    finally:
        await pbx.stop_async()
