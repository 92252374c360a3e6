"""Which URLs are of one server."""

import socket

import pytest

from mcmirror.model.address import same_server


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://s3.example.com", "https://S3.Example.com:443/"),
        ("https://s3.example.com", "https://s3.example.com.:443"),
        ("http://localhost:9000", "http://127.0.0.1:9000"),
        ("http://minio.localhost:9000", "http://[::1]:9000"),
        ("http://0.0.0.0:9000", "http://localhost:9000"),
        ("http://127.1:9000", "http://localhost:9000"),
        ("http://[::ffff:10.0.0.7]:9000", "http://10.0.0.7:9000"),
        ("https://[2001:db8:0:0::1]", "https://[2001:db8::1]"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
    ],
)
def test_one_server(one: str, other: str) -> None:
    assert same_server(one, other)
    assert same_server(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://first.r2.example.com", "https://second.r2.example.com"),
        ("http://localhost:9000", "http://localhost:9001"),
        ("http://127.0.0.1:9000", "http://127.0.0.2:9000"),
        ("http://s3.example.com", "https://s3.example.com"),
        ("https://10.0.0.7", "https://s3.example.com"),
    ],
)
def test_two_servers(one: str, other: str) -> None:
    assert not same_server(one, other)


def test_no_name_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> list[object]:
        raise AssertionError("a name was looked up")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "gethostbyname", refuse)

    assert not same_server("https://one.example.com", "https://two.example.com")
    assert same_server("http://localhost:9000", "http://127.0.0.1:9000")
