"""Tells systemd how the service is: the protocol of sd_notify(3), over the socket that it names.

Where nobody named one (a terminal, a container) nothing is told. Knows nothing of calls.
"""

import contextlib
import os
import socket


class Notifier:
    """Sends lines such as `READY=1`. Never blocks, never raises."""

    def __init__(self, address: str | None = None) -> None:
        """`address`: a path, or `@name` for an abstract socket; by default what the environment says."""
        named = os.environ.get("NOTIFY_SOCKET", "") if address is None else address
        self._address = "\0" + named[1:] if named.startswith("@") else named

    def tell(self, *lines: str) -> None:
        """One message of one or more assignments."""
        if not self._address:
            return
        # systemd away, or its socket full: callers come first, and a missing beat speaks for itself.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
            link.setblocking(False)
            link.sendto("\n".join(lines).encode(), self._address)
