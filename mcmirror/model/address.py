"""Whether two URLs were configured for one server. Nobody's DNS is asked: many servers share an address."""

import socket
from contextlib import suppress
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

PORTS = {"http": 80, "https": 443}
LOOPBACK = "127.0.0.1"


def same_server(one: str, other: str) -> bool:
    """Whether two URLs name one port of one host, each in any way of writing it.

    Two names that lead to one address are two servers: behind an ingress, or at a provider that has a host name for
    each account, they hold different buckets. Only the names and addresses of this machine itself are one.
    """
    return _server(one) == _server(other)


def _server(url: str) -> tuple[str, int]:
    parts = urlsplit(url if "://" in url else f"//{url}")
    host = (parts.hostname or "").rstrip(".")
    try:
        port = parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        port = 0
    return _host(host), port


def _host(name: str) -> str:
    if name == "localhost" or name.endswith(".localhost"):
        return LOOPBACK
    literal = name
    with suppress(OSError, UnicodeError):
        literal = socket.inet_ntoa(socket.inet_aton(name))  # 127.1 and the like
    with suppress(ValueError):
        address = ip_address(literal.partition("%")[0])
        if isinstance(address, IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        own = address.is_unspecified or (isinstance(address, IPv6Address) and address.is_loopback)
        return LOOPBACK if own else str(address)
    with suppress(UnicodeError):
        return name.encode("idna").decode()
    return name
