"""Whether the door for webhooks is wanted, as the service sees it before it begins."""

import socket
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from cti.assembly.frame import Frame
from cti.ports import PortTaken, free_port
from cti.settings import Settings
from cti.virtual_pbx.push.settings import PushSettings, write_push
from cti.virtual_pbx.settings import write_connection
from tests.fakes.virtual_pbx import SCENARIO, settings_of
from tickets.database import Database

pytestmark = pytest.mark.integration


async def test_only_a_vendors_file_wants_the_door_and_the_push_outwards_is_no_vendor(
    database: Database, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as somebody_else:
        settings = Settings.read(
            data=tmp_path, asterisk=False, http_port=free_port(), hooks_port=somebody_else.getsockname()[1]
        )
        write_push(settings.connections_folder, PushSettings())
        async with AsyncExitStack() as stack:
            await Frame(settings, SCENARIO, database.sessions, stack).begin()
        write_connection(settings.connections_folder / "generic.json", settings_of("generic"))
        async with AsyncExitStack() as stack:
            with pytest.raises(PortTaken, match="PRESSZERO_HOOKS_PORT"):
                await Frame(settings, SCENARIO, database.sessions, stack).begin()
