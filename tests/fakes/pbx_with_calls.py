"""A PBX with calls under way, for tests of commands: shows its channels, keeps what it was told, and says
that a channel has reached its place as our dialplan would.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cti.asterisk.ami import AmiRefused, AmiReply
from cti.asterisk.events import AmiEvent, ListedChannel, StageReached

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_STAGES = {"wait": "held", "consult": "consult", "talk": "talk", "send": "sent", "requeue": "sent"}


def channel(
    name: str, uniqueid: str, place: str = "presszero-phones,", bridge: str = "", **more: object
) -> ListedChannel:
    """A channel; `place`: context,exten."""
    context, _, exten = place.partition(",")
    linkedid = str(more.pop("linkedid", "pz-1.1"))
    return ListedChannel(NOW, "1", uniqueid, linkedid, context, exten, "", name, "", bridge, **more)  # type: ignore[arg-type]


CALLER = channel("PJSIP/trunk-1", "pz-1.1", "presszero-call,operator", "b1")
PHONE = channel("PJSIP/101-2", "pz-1.2", "presszero-phones,operator", "b1")


@dataclass
class PbxWithCalls:
    """Implements what the commands need of `AmiLink`."""

    channels: list[ListedChannel] = field(default_factory=lambda: [CALLER, PHONE])
    actions: list[tuple[str, dict[str, str | Sequence[str]]]] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)  # "Uniqueid or nothing:name" → value
    refuses: set[str] = field(default_factory=set)  # actions
    hear: list[Callable[[list[AmiEvent]], None]] = field(default_factory=list)

    async def list_action(self, name: str, /) -> list[AmiEvent]:
        """CoreShowChannels."""
        assert name == "CoreShowChannels"
        return list(self.channels)

    async def action(self, name: str, /, **fields: str | Sequence[str]) -> AmiReply:
        """Done at once."""
        if name in self.refuses:
            raise AmiRefused("No such channel")
        if name == "Getvar":
            key = f"{fields.get('Channel', '')}:{fields['Variable']}"
            return AmiReply("", {"value": self.variables.get(key, "")})
        if name == "CoreSettings":
            return AmiReply("", {"systemname": "pz"})
        self.actions.append((name, fields))
        if name == "Redirect":
            for exten in (fields["Exten"], fields.get("ExtraExten", "")):
                if (stage := _STAGES.get(str(exten))) is not None:
                    self.say(stage)
        return AmiReply("", {})

    def say(self, stage: str, **more: str) -> None:
        """Our dialplan tells of a stage of the call."""
        told = StageReached(NOW, "1", "pz-1.2", "pz-1.1", "", "", "", "pz-1.1", stage, "", 0, "", **more)
        for one in self.hear:
            one([told])

    def did(self, name: str) -> list[dict[str, str | Sequence[str]]]:
        """The fields of all actions of that name."""
        return [fields for action, fields in self.actions if action == name]
