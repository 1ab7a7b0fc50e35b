"""A PBX that does whatever it is asked and shows no queues: for those who only need somebody on the line."""

import asyncio
from dataclasses import dataclass, field

from cti.asterisk.ami import AmiReply
from cti.waiting.queues import QueuePicture


@dataclass
class QuietPbx:
    """Keeps what it was asked, with the fields."""

    actions: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    picture: QueuePicture | None = None

    async def action(self, name: str, /, **fields: str) -> AmiReply:
        self.actions.append((name, fields))
        return AmiReply("", {})

    async def next(self) -> QueuePicture | None:
        """There is never another picture."""
        await asyncio.Event().wait()
        return None

    def wake(self) -> None:
        """Nothing to look at."""
