"""Who has the door for webhooks on this machine, and how the owner of the data folder asks there.

One file in the data folder, readable by its owner alone: the door's port, and a key made anew at each
start. Whoever shows the key may see what arrived, and knows the door again from outside by it. The file is
locked as long as its owner lives, so one that a killed service left behind deceives nobody.
"""

import contextlib
import fcntl
import hashlib
import hmac
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAME = "virtual-pbx.door"


@dataclass(frozen=True, slots=True)
class DoorPlate:
    """What the file says."""

    key: str
    port: int | None = None  # None: a service runs, and has no door yet
    host: str = "127.0.0.1"

    @property
    def address(self) -> str:
        """Where to ask on this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    def proof(self, nonce: str) -> str:
        """What this door, and no other, answers to a nonce."""
        return hmac.new(self.key.encode(), nonce.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


class DoorKeeper:
    """The one who has the door. Give it back at the end."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.plate = DoorPlate(secrets.token_hex(32))
        self._write()

    def open(self, host: str, port: int) -> None:
        """The door is open there. Raises OSError."""
        self.plate = DoorPlate(self.plate.key, port, host)
        self._write()

    def _write(self) -> None:
        told = {"key": self.plate.key, "port": self.plate.port, "host": self.plate.host}
        data = json.dumps(told).encode()
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, data, 0)

    def give_back(self) -> None:
        """Somebody else may have it."""
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)


def take_door(data: Path) -> DoorKeeper | None:
    """Be the one who has the door of that data folder; None: somebody has it already.

    Raises:
        OSError: the folder or its rights.
    """
    data.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(data / NAME, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return DoorKeeper(descriptor)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise


def read_plate(data: Path) -> DoorPlate | None:
    """Who has the door now; None: nobody, or it cannot be read."""
    try:
        descriptor = os.open(data / NAME, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        pass  # its owner lives
    else:
        return None
    finally:
        told = os.pread(descriptor, 4096, 0)
        os.close(descriptor)
    try:
        read: Any = json.loads(told)
        return DoorPlate(str(read["key"]), read["port"], str(read["host"]))
    except (ValueError, KeyError, TypeError):
        return None  # it is being written
