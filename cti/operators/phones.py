"""The operators' phones: with what each signs in at the PBX, and phones for operators added at the desk.

The scenario's operators have their phones in the PBX's own files. Whoever is added later gets one here: in a
file that the PBX includes, and as a member of queues over AMI. Knows files and AMI's actions; no accounts, no
web.
"""

import asyncio
import json
import os
import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import structlog

from cti.asterisk.ami import AmiCut, AmiLate, AmiRefused
from cti.asterisk.config import WEB, Phone, check_phone, write_phones
from cti.operators.seats import SeesQueues, TellsPbx
from cti.waiting.queues import QueuePicture

log = structlog.get_logger()

RELOADED = ("res_pjsip.so", "pbx_config.so")  # what reads the files


class ExtensionInUse(Exception):
    """The scenario has an operator of this extension already."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """With what a phone signs in at the PBX."""

    user: str
    secret: str
    display_name: str


@dataclass(frozen=True, slots=True)
class Provided:
    """A phone that was made, to be shown once."""

    server: str  # host and port for a SIP phone; empty: not known here, the PBX is somebody else's
    user: str
    secret: str
    to_do: str  # what a person has still to do for it to ring, in a sentence; empty: nothing


@dataclass(frozen=True, slots=True)
class Added:
    """The phones of an operator whom no scenario names, and the queues that ring them."""

    name: str
    secret: str
    web_secret: str
    queues: tuple[str, ...]

    @property
    def phone(self) -> Phone:
        """As the PBX's files have it."""
        return Phone(self.name, self.secret, self.web_secret)


class PhoneBook:
    """All operators' phones of one PBX."""

    def __init__(
        self,
        known: Mapping[str, Phone],
        queues: Collection[str],
        folder: Path,
        pbx: TellsPbx,
        watch: SeesQueues,
        reload: Callable[[str], bool] | None,
        server: str,
        *,
        sign_in: bool = True,
    ) -> None:
        """
        Args:
            known: the scenario's operators, by extension.
            queues: all that there are.
            folder: of the files for the PBX.
            pbx: the AMI link.
            watch: pictures of the queues.
            reload: makes our own PBX read a module's files anew, blocking; None: the PBX is somebody else's.
            server: where SIP phones sign in; empty: not known here.
            sign_in: whether phones sign in with us at all; False: they are a virtual PBX's, which has its own
                passwords for them, and ours would open nothing.
        """
        self.sign_in = sign_in
        self._known, self._queues, self._folder = known, frozenset(queues), folder
        self._pbx, self._watch, self._reload, self._server = pbx, watch, reload, server
        self._added, self._gone = _read(folder / "phones.json")  # gone: who may still have seats
        self._names: dict[str, str] = {}
        self._name_all()
        self._lock = asyncio.Lock()  # one change of the files at a time

    @property
    def names(self) -> Mapping[str, str]:
        """All operators: extension → name; the same mapping always, which follows every change."""
        return self._names

    @property
    def server(self) -> str:
        """Where SIP phones sign in, host and port; empty: not known here."""
        return self._server

    def queues_of(self, extension: str) -> tuple[str, ...]:
        """Which queues ring an operator who was added at the desk; none for the scenario's."""
        added = self._added.get(extension)
        return added.queues if added else ()

    def in_page(self, extension: str) -> SignIn | None:
        """For the phone in this operator's page; None: there is none."""
        phone = self._phone(extension) if self.sign_in else None
        return None if phone is None else SignIn(extension + WEB, phone.web_secret, phone.name)

    def own(self, extension: str) -> SignIn | None:
        """For this operator's own SIP phone; None: there is none."""
        phone = self._phone(extension) if self.sign_in else None
        return None if phone is None else SignIn(extension, phone.secret, phone.name)

    async def provide(self, extension: str, name: str, secret: str, queues: Collection[str]) -> Provided:
        """Make the phones of an operator, or change them: another name, password, other queues.

        Raises:
            ExtensionInUse: the scenario names this operator; change the scenario.
            BadPbxConfiguration: a value that the PBX cannot take.
            OSError: the files cannot be written.
        """
        if extension in self._known:
            raise ExtensionInUse(f"The scenario has an operator {extension}: choose another extension.")
        async with self._lock:
            before = self._added.get(extension)
            web_secret = before.web_secret if before else secrets.token_urlsafe(12)
            served = tuple(sorted(self._queues & set(queues)))
            added = Added(_plain(name) or extension, secret, web_secret, served)
            check_phone(extension, added.phone)
            to_do = await self._write({**self._added, extension: added}, self._gone - {extension})
        self._watch.wake()
        return Provided(self._server, extension, secret, to_do)

    async def withdraw(self, extension: str) -> None:
        """Take the phones of an operator out of the PBX; unknown ones change nothing.

        Raises:
            OSError: the files cannot be written.
        """
        async with self._lock:
            if extension not in self._added:
                return
            left = {one: phone for one, phone in self._added.items() if one != extension}
            await self._write(left, self._gone | {extension})
        self._watch.wake()

    async def run(self) -> None:
        """Keep the added operators' seats in the queues, until cancelled."""
        async with self._lock:
            try:
                await asyncio.to_thread(write_phones, self._phones(self._added), self._folder)
            except OSError as error:
                log.warning(
                    "The phones' files stay as they are.", action="phones_unwritten", reason=str(error)
                )
        while True:
            picture = await self._watch.next()
            if picture is None:
                continue
            try:
                await self.keep(picture)
            except (AmiCut, AmiLate) as error:  # the next picture brings the next try
                log.warning("Seats are not as they should be.", action="seats_untold", reason=str(error))

    async def keep(self, picture: QueuePicture) -> None:
        """Give and take seats until they are as this book has them.

        Raises:
            AmiCut, AmiLate
        """
        added = {one: phone for one, phone in self._added.items() if one not in self._known}
        ours = added.keys() | self._gone
        there = {(seat.queue, seat.interface) for seat in picture.seats if seat.operator in ours}
        wanted = {
            (queue, f"PJSIP/{extension}{end}"): extension
            for extension, phones in added.items()
            for queue in self._queues & set(phones.queues)
            for end in ("", WEB)
        }
        for queue, interface in sorted(wanted.keys() - there):
            extension = wanted[queue, interface]
            hint = f"hint:{interface.partition('/')[2]}@presszero-seats"
            await self._act(
                "QueueAdd",
                Queue=queue,
                Interface=interface,
                Penalty="0",
                MemberName=extension,
                StateInterface=hint,
            )
        for queue, interface in sorted(there - wanted.keys()):
            await self._act("QueueRemove", Queue=queue, Interface=interface)

    async def _act(self, name: str, **fields: str) -> None:
        try:
            await self._pbx.action(name, **fields)
        except AmiRefused as error:
            log.warning("The PBX refuses a seat.", action="seat_refused", asked=name, reason=str(error))

    def _phone(self, extension: str) -> Phone | None:
        added = self._added.get(extension)
        return self._known.get(extension) or (added.phone if added else None)

    def _phones(self, added: Mapping[str, Added]) -> dict[str, Phone]:
        """A scenario that names an operator later wins."""
        return {one: phone.phone for one, phone in sorted(added.items()) if one not in self._known}

    def _name_all(self) -> None:
        self._names.clear()
        self._names.update((extension, one.name) for extension, one in self._added.items())
        self._names.update((extension, phone.name) for extension, phone in self._known.items())

    async def _write(self, added: dict[str, Added], gone: set[str]) -> str:
        """Returns what a person has still to do."""
        await asyncio.to_thread(_store, self._folder / "phones.json", added, gone)
        self._added, self._gone = added, gone
        self._name_all()
        await asyncio.to_thread(write_phones, self._phones(added), self._folder)
        if self._reload is None:
            return (
                f"Join {self._folder}/pjsip_phones.conf and extensions_phones.conf with one #tryinclude each "
                "in your Asterisk's pjsip.conf and extensions.conf, and reload it."
            )
        done = [await asyncio.to_thread(self._reload, module) for module in RELOADED]
        return "" if all(done) else "The PBX does not run: start it, then the phone can sign in."


def _plain(name: str) -> str:
    """A name without what would end it in the PBX's files."""
    return " ".join("".join(" " if ord(one) < 32 or one in '";[]<>\\' else one for one in name).split())[:64]


def _read(file: Path) -> tuple[dict[str, Added], set[str]]:
    try:
        known = json.loads(file.read_text())
    except FileNotFoundError:
        return {}, set()
    added = {
        extension: Added(one["name"], one["secret"], one["web_secret"], tuple(one["queues"]))
        for extension, one in known["added"].items()
    }
    return added, set(known["gone"])


def _store(file: Path, added: Mapping[str, Added], gone: Collection[str]) -> None:
    """Whole or not at all, and for this user alone."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = file.with_suffix(".new")
    kept = {"added": {extension: asdict(one) for extension, one in added.items()}, "gone": sorted(gone)}
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        json.dump(kept, out, indent=1)
    made.replace(file)
