"""`host:port`, as `listen` has it."""

from typing import NamedTuple

LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Address(NamedTuple):
    """Where to listen, or to ask."""

    host: str
    """A v6 address without its brackets."""
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return self.host in LOOPBACK or self.host.startswith("127.")


def address(listen: str) -> Address:
    """``127.0.0.1:8080``, ``[::1]:8080``; ValueError when it is none."""
    host, _, port = listen.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ValueError(f"{listen!r} is no host:port")
    return Address(host.removeprefix("[").removesuffix("]"), int(port))


def reachable(where: Address) -> Address:
    """Where a server that listens there is asked from the same machine."""
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1", "*": "127.0.0.1"}  # noqa: S104  asked, not listened on
    return where._replace(host=everywhere.get(where.host, where.host))
