"""AudioSocket server: to be filled."""

from voicebot.media import Attend


class AudioSocketServer:
    """`attend(uuid)` says who talks; its `run(media)` is the conversation."""

    def __init__(self, host: str, port: int, attend: Attend, *, connections: int = 64) -> None:
        raise NotImplementedError
