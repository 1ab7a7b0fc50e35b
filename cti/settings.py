"""The service's settings: environment variables `PRESSZERO_…`, read once into a frozen object.

A secret can also be given as a file: `PRESSZERO_AMI_SECRET_FILE=/run/secrets/ami`.
"""

import os
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from cti.asterisk.config import Doors
from cti.certificates import TlsFiles, files_in, first_host
from tickets.database import is_supported


class BadSettings(Exception):
    """A setting is missing or makes no sense; the message says which and what to do."""


class Settings(BaseSettings):
    """Everything that differs between installations. What callers hear is in the scenario file instead."""

    model_config = SettingsConfigDict(
        env_prefix="PRESSZERO_",
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,  # a refused value may hold a password
    )

    data: Path = Path("var")  # folder for everything the service keeps
    scenario: Path | None = None  # the scenario file; None: the shipped lottery
    database: SecretStr = SecretStr("")  # SQLAlchemy URL, maybe with a password; empty: SQLite in `data`

    http_host: str = "127.0.0.1"
    http_port: int = Field(8080, ge=0, le=65535)
    tls_certificate: Path | None = None  # PEM, with its chain; None: `data`/tls, if there is one
    tls_key: Path | None = None  # None: the same file
    agi_host: str = "127.0.0.1"
    agi_port: int = Field(4573, ge=0, le=65535)
    audiosocket_host: str = "127.0.0.1"
    audiosocket_port: int = Field(9092, ge=0, le=65535)
    bot_audio: str = Field("audiosocket", pattern="^(audiosocket|websocket)$")  # from PBX to bot and back
    bot_websocket_url: str = ""  # where the PBX's HTTP server has the bot's legs; empty: the embedded PBX's

    # The phones in the page speak SIP over WebSocket with the PBX. The ports are the embedded PBX's.
    phone_url: str = ""  # where a browser finds the PBX, wss://pbx.example:8089/ws; empty: the embedded one
    sip_server: str = ""  # where operators' SIP phones sign in, as shown to them; empty: the embedded PBX
    phone_port: int = Field(8088, ge=1, le=65535)  # on loopback
    phone_tls_port: int = Field(8089, ge=1, le=65535)  # for other machines, once there is a certificate

    asterisk: bool = True  # False: there is none, only virtual PBXs
    # Webhooks of virtual PBXs; the port is opened when one is connected.
    hooks_host: str = "127.0.0.1"
    hooks_port: int = Field(8090, ge=0, le=65535)

    ami_host: str = "127.0.0.1"
    ami_port: int = Field(5038, ge=1, le=65535)
    ami_username: str = "presszero"
    ami_secret: SecretStr = SecretStr("")

    crm_url: str = ""  # the company's CRM, asked who calls; empty: there is none
    crm_token: SecretStr = SecretStr("")  # sent to it as a bearer token; empty: none
    orders_url: str = ""  # the company's orders by number, for the desk; empty: there are none
    orders_token: SecretStr = SecretStr("")  # as `crm_token`
    lookups_url: str = ""  # below it lie the paths of the scenario's look-ups; empty: each of them fails
    lookups_token: SecretStr = SecretStr("")  # as `crm_token`

    spool: Path | None = None  # where the PBX writes recordings; None: `data`/spool
    prompts: Path | None = None  # where the PBX can read prompts, rendered ahead; None: `data`/prompts
    cdr: Path | None = None  # the PBX's CDR file of ours; None: `data`/pbx/log/cdr-custom/presszero.csv
    secure_cookies: bool = False  # True behind TLS: `__Host-` cookie with Secure

    recognizer: str = Field("whisper", pattern="^(whisper|vosk)$")
    whisper_model: str = ""  # folder of a CTranslate2 model; empty: the packaged tiny.en
    vosk_model: str = ""  # folder, or a language to fetch; empty: the scenario's language
    # Of further languages: `{"ru": "vosk:/models/ru", "es": "whisper:/models/small"}`; one that is not named
    # has what the same engine comes with.
    recognizers: dict[str, str] = {}

    stop_within_s: float = Field(60, ge=0, le=600)  # how long callers may finish when the service is to end

    log_format: str = Field("console", pattern="^(console|json)$")

    ring_page: bool = False  # for the demo: the page /ring, from which anybody may ring in without an account

    @field_validator("database")
    @classmethod
    def _is_a_database(cls, url: SecretStr) -> SecretStr:
        if url.get_secret_value() and not is_supported(url.get_secret_value()):
            raise ValueError("name SQLite or PostgreSQL, as in postgresql://user:password@host/name")
        return url

    @field_validator("recognizers")
    @classmethod
    def _are_engines(cls, engines: dict[str, str]) -> dict[str, str]:
        for engine in engines.values():
            if engine.partition(":")[0] not in {"whisper", "vosk"}:
                raise ValueError('write {"ru": "vosk:/models/ru"}: whisper or vosk, a colon, and the model')
        return engines

    @field_validator("crm_url", "orders_url", "lookups_url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme not in {"http", "https"} or not parts.hostname or not url.isascii()):
            raise ValueError("write an address such as https://crm.example/lookup")
        if parts.username is not None or parts.password is not None:
            raise ValueError("leave user and password out; set the _TOKEN beside it")
        return url

    @field_validator("lookups_url")
    @classmethod
    def _is_a_base(cls, url: str) -> str:
        if "?" in url or "#" in url:
            raise ValueError("write where the paths begin, without a query: https://api.example/v1")
        return url

    @field_validator("bot_websocket_url")
    @classmethod
    def _is_a_websocket(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme not in {"ws", "wss"} or not parts.hostname or parts.query or parts.fragment):
            raise ValueError("write an address such as ws://127.0.0.1:8088/media")
        return url

    @field_validator("crm_token", "orders_token", "lookups_token")
    @classmethod
    def _fits_a_header(cls, token: SecretStr) -> SecretStr:
        text = token.get_secret_value()
        if not text.isascii() or not text.isprintable() or " " in text:
            raise ValueError("a token has neither spaces nor signs beyond ASCII")
        return token

    @property
    def database_url(self) -> str:
        """SQLAlchemy async URL."""
        embedded = (self.data / "presszero.sqlite3").absolute()
        return self.database.get_secret_value() or f"sqlite+aiosqlite:///{embedded}"

    @property
    def phone_socket(self) -> str:
        """The PBX's WebSocket, as browsers find it."""
        if self.phone_url or self.tls is None:
            return self.phone_url or f"ws://127.0.0.1:{self.phone_port}/ws"
        return f"wss://{first_host(self.tls.certificate)}:{self.phone_tls_port}/ws"

    @property
    def tls_folder(self) -> Path:
        """Where `presszero certificate` leaves what it makes."""
        return self.data / "tls"

    @property
    def tls(self) -> TlsFiles | None:
        """The certificate of our pages and of the embedded PBX; None: both are for this machine only."""
        if self.tls_certificate is not None:
            return TlsFiles(
                self.tls_certificate.absolute(), (self.tls_key or self.tls_certificate).absolute()
            )
        return files_in(self.tls_folder.absolute())

    @property
    def doors(self) -> Doors:
        """Where the PBX finds us."""
        return Doors(
            agi_host=self.agi_host,
            agi_port=self.agi_port,
            audiosocket_host=self.audiosocket_host,
            audiosocket_port=self.audiosocket_port,
            bot_audio=self.bot_audio,
        )

    @property
    def bot_legs(self) -> str:
        """Where the PBX's chan_websocket holds the bot's legs."""
        return self.bot_websocket_url or f"ws://127.0.0.1:{self.phone_port}/media"

    @property
    def spool_folder(self) -> Path:
        """Where MixMonitor leaves a call's two sides."""
        return self.spool or self.data / "spool"

    @property
    def cdr_file(self) -> Path:
        """Asterisk's own record of finished calls, in our format."""
        return self.cdr or self.data / "pbx" / "log" / "cdr-custom" / "presszero.csv"

    @property
    def connections_folder(self) -> Path:
        """The settings of connected virtual PBXs, one file each; `presszero connect` writes them."""
        return self.data / "virtual-pbx"

    @property
    def recordings_folder(self) -> Path:
        """The tape shelf on disk."""
        return self.data / "recordings"

    @property
    def prompts_folder(self) -> Path:
        """Prompts rendered ahead, by hash of text and voice."""
        return self.prompts or self.data / "prompts"

    @classmethod
    def read(cls, **overrides: Any) -> Self:
        """Read the environment.

        Raises:
            BadSettings: one sentence per setting that does not fit.
        """
        for name in ("AMI_SECRET", "CRM_TOKEN", "DATABASE", "LOOKUPS_TOKEN", "ORDERS_TOKEN"):
            file = os.environ.get(f"PRESSZERO_{name}_FILE")
            if file and name.lower() not in overrides:
                try:
                    overrides[name.lower()] = Path(file).read_text().strip()
                except OSError as error:
                    raise BadSettings(
                        f"PRESSZERO_{name}_FILE names {file}, which cannot be read ({error.strerror}): "
                        "correct the path or its permissions."
                    ) from error
        try:
            return cls(**overrides)
        except ValidationError as error:
            first = error.errors()[0]
            name = "_".join(str(part) for part in first["loc"]).upper()
            raise BadSettings(f"PRESSZERO_{name}: {first['msg']}.") from error
