"""What a connection to Twilio needs beside what each connection has. The secret is the account's token."""

from urllib.parse import urlsplit

from pydantic import Field, field_validator

from cti.virtual_pbx.settings import ConnectionSettings

API = "https://api.twilio.com"
_HOME = frozenset({"127.0.0.1", "::1", "localhost"})  # a simulator's


class TwilioSettings(ConnectionSettings):
    """`operators` says where each operator is rung: Twilio's address → extension.

        {"sip:101@centre.sip.twilio.com": "101", "client:ben": "102", "+12025550199": "102"}

    An operator with several addresses is rung at all of them at once.
    """

    account_sid: str = Field(description="Account SID, as Twilio's console shows it (AC…)")
    api: str = API
    caller_id: str = ""  # a number of the account, shown on our own calls; empty: the scenario's first line

    @field_validator("account_sid")
    @classmethod
    def _is_an_account(cls, sid: str) -> str:
        if len(sid) != 34 or not sid.startswith("AC") or not sid[2:].isalnum() or not sid.isascii():
            raise ValueError("copy the Account SID from Twilio's console: AC and 32 letters and digits")
        return sid

    @field_validator("api")
    @classmethod
    def _is_twilios(cls, url: str) -> str:
        parts = urlsplit(url)
        safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _HOME)
        if not safe or parts.path.strip("/") or parts.query or parts.username:
            raise ValueError(f"leave it out, for {API}; the account's token is sent there")
        return url.rstrip("/")

    def operator_at(self, address: str) -> str | None:
        """Whose address it is, as Twilio writes it; None: somebody's outside."""
        bare = address.partition(";")[0]
        if bare.startswith("sip:"):
            user, _, host = bare.partition("@")
            bare = f"{user}@{host.partition(':')[0]}"
        return self.operators.get(bare)

    def addresses(self, extension: str) -> list[str]:
        """Where an operator is rung; none where nobody said."""
        return [address for address, whose in self.operators.items() if whose == extension]
