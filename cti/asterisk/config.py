"""Write Asterisk's configuration: our include files for any Asterisk, and the whole of the embedded one.

Knows the templates and Asterisk's file formats; takes plain values, no settings object and no scenario model.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import jinja2

TEMPLATES = Path(__file__).parent / "templates"

# What a call of ours needs, and nothing else; the order is the order of dependence.
MODULES = (
    "res_timing_timerfd", "res_sorcery_config", "res_sorcery_memory", "res_sorcery_astdb", "res_pjproject",
    "res_pjsip", "res_pjsip_session", "res_pjsip_pubsub", "res_pjsip_authenticator_digest",
    "res_pjsip_outbound_authenticator_digest", "res_pjsip_endpoint_identifier_ip",
    "res_pjsip_endpoint_identifier_user", "res_pjsip_registrar", "res_pjsip_outbound_registration",
    "res_pjsip_caller_id", "res_pjsip_dtmf_info", "res_pjsip_nat", "res_pjsip_sdp_rtp", "res_pjsip_rfc3326",
    "res_pjsip_diversion", "res_pjsip_refer", "res_pjsip_dlg_options", "res_http_websocket",
    "res_pjsip_transport_websocket", "res_srtp", "res_rtp_asterisk", "res_format_attr_opus",
    "res_musiconhold", "res_speech", "res_agi", "res_audiosocket", "res_cdrel_custom",
    "codec_ulaw", "codec_alaw", "codec_g722", "codec_resample", "codec_opus_open_source",
    "format_wav", "format_pcm", "format_sln",
    "bridge_simple", "bridge_native_rtp", "bridge_softmix", "bridge_holding", "bridge_builtin_features",
    "bridge_builtin_interval_features", "chan_pjsip", "chan_audiosocket",
    "func_callerid", "func_cdr", "func_channel", "func_cut", "func_groupcount", "func_uri", "func_logic",
    "func_math", "func_strings", "func_timeout", "func_global", "func_devstate",
    "app_chanspy", "func_periodic_hook", "app_confbridge", "app_channelredirect", "app_playtones",
    "app_dial", "app_exec", "app_mixmonitor", "app_playback", "app_queue", "app_senddtmf",
    "app_stack", "app_userevent", "app_waitforsilence", "app_verbose",
    "cdr_custom", "pbx_config",
)  # fmt: skip

WEB = "-web"  # after an extension: the phone in that operator's page

RTP_PORTS = 2000  # two for each leg: room for 1,000 legs, more than one machine with a bot on it can hold

# Files that Asterisk complains of when they are missing, and that we have nothing to say in.
EMPTY_FILES = (
    "acl.conf", "ccss.conf", "cel.conf", "confbridge.conf", "features.conf", "indications.conf",
    "pjproject.conf", "queuerules.conf", "udptl.conf",
)  # fmt: skip

BOT_LIMIT_S = 200  # a little more than the bot's own limit of 180 s
BOT_FUSE_S = 2.5  # how long the bot's leg lives without our re-arming its fuse

_EXTENSION = re.compile(r"[0-9A-Za-z_-]{1,32}")
_SECRET = re.compile(r"[0-9A-Za-z_-]{1,128}")
_LANGUAGE = re.compile(r"[0-9A-Za-z-]{2,40}")
_ENDPOINT = re.compile(r"[0-9A-Za-z_.-]{1,64}")
_SAFE_PATH = re.compile(r"[^\s;,&^()|\[\]{}$\"'\\]+")


class BadPbxConfiguration(Exception):
    """A value cannot stand in Asterisk's configuration; the message says which and what to do."""


@dataclass(frozen=True, slots=True)
class Phone:
    """An operator's phone."""

    name: str
    secret: str
    web_secret: str  # of the phone in the page


@dataclass(frozen=True, slots=True)
class QueuePlan:
    """An operators' queue."""

    operators: tuple[str, ...]  # extensions
    ring_s: int  # how long one phone rings
    wait_s: int = 300  # how long a caller waits before the duty phone or voicemail
    music: str = "default"  # music on hold class


@dataclass(frozen=True, slots=True)
class PbxPlan:
    """All that the include files say; the same for an embedded and for somebody's own Asterisk."""

    prompts: Path  # folder with the prompts that the dialplan plays by itself
    spool: Path  # folder where Asterisk leaves recordings
    ami_secret: str
    queues: Mapping[str, QueuePlan]  # the first is where every call goes by default
    operators: Mapping[str, Phone]  # by extension
    language: str = "en"  # of callers whose line names none, BCP 47
    line_languages: Mapping[str, str] = field(
        default_factory=dict
    )  # by line: its digits, as they may be dialled
    trunk: str = ""  # endpoint towards the telephone network; needed for calling people back
    call_back: bool = False  # whether who waits may choose to be called back
    duty_dial: str = ""  # Dial() target of the duty phone, e.g. PJSIP/+49301234@trunk; empty: none
    duty_ring_s: int = 25
    fuse_s: int = 4  # how long Asterisk waits for us before it takes the caller to the operators itself
    bot_limit_s: int = BOT_LIMIT_S
    bot_fuse_s: float = BOT_FUSE_S
    after_bot_fuse_s: float = 1.5  # a frozen service has cost the caller `bot_fuse_s` already
    agi_host: str = "127.0.0.1"
    agi_port: int = 4573
    audiosocket_host: str = "127.0.0.1"
    audiosocket_port: int = 9092
    ami_permit: str = "127.0.0.1/255.255.255.255"

    def check(self) -> None:
        """Refuse what Asterisk would read as something else.

        Raises:
            BadPbxConfiguration: which value, and what to do.
        """
        if not self.queues:
            raise BadPbxConfiguration("The scenario names no queue: add one under `queues`.")
        for name in self.queues:
            if not _EXTENSION.fullmatch(name):
                raise BadPbxConfiguration(f"{name!r} cannot be a queue: use letters, digits, - and _ only.")
        for extension, phone in self.operators.items():
            check_phone(extension, phone)
        for line, language in [*self.line_languages.items(), ("0", self.language)]:
            if not line.isdecimal() or not _LANGUAGE.fullmatch(language):
                raise BadPbxConfiguration(
                    f"The line {line!r} or its language {language!r} cannot be written so."
                )
        if self.trunk and not _ENDPOINT.fullmatch(self.trunk):
            raise BadPbxConfiguration(
                f"{self.trunk!r} cannot be a trunk's endpoint: use letters, digits, dots, - and _ only."
            )
        for path in (self.prompts, self.spool):
            if not _SAFE_PATH.fullmatch(str(path)):
                raise BadPbxConfiguration(
                    f"Asterisk cannot use the folder {path}: choose one without blanks or special characters."
                )


def check_phone(extension: str, phone: Phone) -> None:
    """Refuse what Asterisk would read as something else.

    Raises:
        BadPbxConfiguration: which value, and what to do.
    """
    if not _EXTENSION.fullmatch(extension):
        raise BadPbxConfiguration(f"{extension!r} cannot be an extension: use letters, digits, - and _ only.")
    if extension.endswith(WEB):
        raise BadPbxConfiguration(f"{extension!r} would be the name of a phone in the page: choose another.")
    if re.search(r"[\x00-\x1f\";\[\]<>]", phone.name):
        raise BadPbxConfiguration("An operator's name has a character that Asterisk cannot take.")
    for secret in (phone.secret, phone.web_secret):
        if not _SECRET.fullmatch(secret):
            raise BadPbxConfiguration("A phone's password can have letters, digits, - and _ only.")


@dataclass(frozen=True, slots=True)
class InstancePlan:
    """What every Asterisk process of ours needs: its folders, modules and ports."""

    folder: Path
    modules: Path
    rtp_start: int
    rtp_end: int
    system_name: str = "pz"  # prefix of call ids, so that two PBXs never share one


@dataclass(frozen=True, slots=True)
class EmbeddedPlan:
    """What the embedded PBX needs besides."""

    music: Path  # folder of the music on hold
    sip_port: int = 5060
    ami_port: int = 5038
    phone_port: int = 8088  # of the phones in the page: SIP over WebSocket, loopback
    phone_tls_port: int = 8089  # the same for other machines, when there is a certificate
    tls_certificate: str = ""  # PEM file; empty: none
    tls_key: str = ""
    guest_secret: str = ""  # lets who knows it ring in from a page, which is for the demo; empty: nobody
    guest_number: str = ""  # what they count as, E.164
    guest_line: str = ""  # which line they ring, whatever they dial
    phones: str = ""  # folder of the files that `write_phones` writes; empty: nobody is added at the desk
    trunk_address: str = "127.0.0.2:5060"  # where the telephone network is


def write_includes(plan: PbxPlan, folder: Path) -> list[Path]:
    """Write the `*_presszero.conf` files into `folder`; files of other names are never touched.

    Raises:
        BadPbxConfiguration: a value that Asterisk cannot take.
    """
    plan.check()
    return render(TEMPLATES / "include", folder, _flat(plan))


def write_phones(operators: Mapping[str, Phone], folder: Path) -> list[Path]:
    """Write the `*_phones.conf` files: the phones of operators whom no scenario names.

    Raises:
        BadPbxConfiguration: a value that Asterisk cannot take.
    """
    for extension, phone in operators.items():
        check_phone(extension, phone)
    return render(TEMPLATES / "phones", folder, {"operators": operators})


def write_embedded(plan: PbxPlan, instance: InstancePlan, embedded: EmbeddedPlan) -> None:
    """Write the whole configuration of the embedded PBX into `instance.folder`/etc.

    Raises:
        BadPbxConfiguration: a value that Asterisk cannot take.
    """
    write_instance(instance)
    etc = instance.folder / "etc"
    write_includes(plan, etc)
    render(TEMPLATES / "embedded", etc, {**_flat(plan), **asdict(embedded)})


def write_instance(instance: InstancePlan) -> None:
    """Write what every Asterisk of ours has: folders, modules, log, RTP ports."""
    for name in ("etc", "lib/agi-bin", "spool", "run", "log/cdr-custom"):
        (instance.folder / name).mkdir(parents=True, exist_ok=True)
    etc = instance.folder / "etc"
    for name in EMPTY_FILES:
        (etc / name).touch()
    render(TEMPLATES / "common", etc, {**asdict(instance), "modules_list": MODULES})


def _flat(plan: PbxPlan) -> dict[str, object]:
    return {**asdict(plan), "default_queue": next(iter(plan.queues))}


def render(templates: Path, folder: Path, values: Mapping[str, object]) -> list[Path]:
    """Render every template of a folder into `folder`, readable by this user alone; other files stay."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([templates, TEMPLATES / "parts"]),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 -- these are configuration files, not pages
        keep_trailing_newline=True,
    )
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in sorted(path.name for path in templates.iterdir()):
        target = folder / name
        target.touch(mode=0o600)  # they hold secrets
        target.write_text(environment.get_template(name).render(values))
        written.append(target)
    return written
