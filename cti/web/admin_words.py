"""What the audit log says, in people's words. Pure."""

from cti.web.languages import N_, _, gettext
from cti.web.words import ROLES
from tickets.audit import AuditEntry
from tickets.vocabulary import Role

ACTIONS = {
    "account.created": N_("Account created"),
    "account.role": N_("Role changed"),
    "account.hears_group": N_("Recordings of the groups"),
    "account.extension": N_("Extension changed"),
    "account.name": N_("Name changed"),
    "account.groups": N_("Groups changed"),
    "account.password": N_("Password changed"),
    "account.second_factor": N_("Second step changed"),
    "account.sessions": N_("Logged out everywhere"),
    "account.phone": N_("New phone password"),
    "group.created": N_("Group created"),
    "group.changed": N_("Group changed"),
    "group.deleted": N_("Group deleted"),
    "recording.played": N_("Recording listened to"),
    "recording.downloaded": N_("Recording downloaded"),
    "transcript.downloaded": N_("Transcript downloaded"),
    "recording.started": N_("Recording started"),
    "recording.paused": N_("Recording paused"),
    "recording.resumed": N_("Recording resumed"),
    "call.listened": N_("Listened in on a call"),
    "call.whispered": N_("Whispered into a call"),
    "call.barged": N_("Joined a call"),
    "call.taken_over": N_("Took a call over"),
    "bot.taught": N_("Taught the bot"),
    "bot.withdrawn": N_("Had the bot forget"),
}
_NAMES = {
    "role": N_("role"),
    "extension": N_("extension"),
    "groups": N_("groups"),
    "hears_group": N_("recordings of the groups"),
    "queues": N_("queues"),
    "members": N_("members"),
    "was": N_("was called"),
    "ended": N_("sessions ended"),
    "operator": N_("operator"),
    "phrase": N_("phrase"),
}
_UNSAID = {"recording"}  # ids of rows
_MARKS = {"on": (N_("on"), N_("off")), "reset": (N_("reset by an administrator"), "")}


def action_words(entry: AuditEntry) -> str:
    """What was done; an action that has no words here is shown as it is."""
    if entry.action == "account.active":
        return _("Account let in again") if entry.detail.get("to") else _("Account deactivated")
    return gettext(ACTIONS[entry.action]) if entry.action in ACTIONS else entry.action


def detail_words(entry: AuditEntry) -> str:
    """The details of a line: `operator → supervisor`, `role: Operator; extension: 104`."""
    detail = {name: value for name, value in entry.detail.items() if name not in _UNSAID}
    said = []
    if entry.action == "account.active":
        return ""
    if "to" in detail:
        before, after = detail.pop("from", None), detail.pop("to")
        said.append(f"{_value(before)} → {_value(after)}" if before is not None else _value(after))
    for name, value in detail.items():
        if name in _MARKS and isinstance(value, bool):
            said.append(_mark(name, value=value))
        elif value not in (None, "", False):
            said.append(f"{gettext(_NAMES[name]) if name in _NAMES else name}: {_value(value)}")
    return "; ".join(part for part in said if part)


def _mark(name: str, *, value: bool) -> str:
    words = _MARKS[name][0 if value else 1]
    return gettext(words) if words else ""


def _value(value: str | int | bool | None) -> str:
    if isinstance(value, bool):
        return _("on") if value else _("off")
    if value in set(Role):
        return gettext(ROLES[Role(str(value))])
    return "–" if value in (None, "") else str(value)
