"""Which faults there are, and whom each makes deaf. Data only."""

from tests.house.faults.crm import Mood
from tests.house.faults.injections import (
    Both,
    Clock,
    Crm,
    DiskFull,
    Door,
    Fault,
    Frozen,
    Killed,
    PbxRestarted,
    PostgresGone,
    PostgresLocked,
    Recogniser,
    Replaced,
    ShelfFull,
    SqliteLocked,
)
from tests.house.faults.moments import Station
from tests.house.faults.proxies import Way

EVERYBODY = frozenset({Station.RECEPTION, Station.BOT})
FREEZE_S = 10.0
LONG_S = 10.0  # longer than the service's own deadlines
MUTE_S = 12.0  # longer than it takes to notice that the link is mute

ON_SQLITE: tuple[Fault, ...] = (
    Killed("service killed", EVERYBODY),
    Frozen("service frozen", EVERYBODY, FREEZE_S),
    Recogniser("recogniser hung", how="hang"),
    Recogniser("recogniser crashing", how="crash"),
    Door("AMI cut", door="ami", way=Way.CUT),
    Door("AMI mute", lasts_s=MUTE_S, door="ami", way=Way.MUTE),
    Door("AMI slow", door="ami", way=Way.SLOW),
    Door("FastAGI silent", frozenset({Station.RECEPTION}), door="agi", way=Way.MUTE),
    Door("AudioSocket silent", frozenset({Station.BOT}), door="audio", way=Way.MUTE),
    SqliteLocked("database locked (SQLite)", lasts_s=LONG_S),
    DiskFull("disk full"),
    ShelfFull("recordings full", lasts_s=LONG_S),
    Replaced("recordings unwritable", lasts_s=LONG_S, folder="recordings_folder"),
    Replaced("spool unwritable", lasts_s=LONG_S, folder="spool_folder"),
    PbxRestarted("Asterisk restarted", breaks_calls=True),
    Clock("clock an hour ahead", by_s=3600.0),
    Clock("clock an hour back", by_s=-3600.0),
    Crm("CRM slow", mood=Mood.SLOW),
    Crm("CRM garbage", mood=Mood.GARBAGE),
    Crm("CRM away", mood=Mood.AWAY),
    Both(Killed("service killed", EVERYBODY), SqliteLocked("database locked", lasts_s=LONG_S)),
    Both(Door("AMI cut", door="ami", way=Way.CUT), Recogniser("recogniser hung", how="hang")),
    Both(Killed("service killed", EVERYBODY), Door("AMI mute", lasts_s=MUTE_S, door="ami", way=Way.MUTE)),
)

ON_POSTGRES: tuple[Fault, ...] = (
    PostgresLocked("database locked (PostgreSQL)", lasts_s=LONG_S),
    PostgresGone("database gone (PostgreSQL)", lasts_s=LONG_S),
)
