"""Ports of this machine: which are free, and a clear word when one is not."""

import socket


class PortTaken(Exception):
    """Something else has a port that we need; the message says which setting chooses another."""

    def __init__(self, what: str, host: str, port: int, setting: str, error: OSError) -> None:
        super().__init__(
            f"{what} needs port {port} on {host}, which cannot be opened ({error.strerror}): "
            f"end the program that uses it, or choose another with {setting}."
        )


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that nobody uses at this moment."""
    return _free(host, socket.SOCK_STREAM)


def free_udp_port(host: str = "127.0.0.1") -> int:
    """A UDP port that nobody uses at this moment."""
    return _free(host, socket.SOCK_DGRAM)


def check_port(
    what: str, host: str, port: int, setting: str, kind: socket.SocketKind = socket.SOCK_STREAM
) -> None:
    """Try whether a port could be opened now; 0 stands for any and always can.

    Raises:
        PortTaken: it cannot.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as probe:
        if kind is socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTaken(what, host, port, setting, error) from error


def _free(host: str, kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port
