"""[relay.*]: what is valid, what is said about the rest, and what becomes of references."""

from pathlib import Path

import pytest

from mcmirror.config import ConfigError, Configuration, Mistake, Relay, load, select
from mcmirror.config.relays import resolved, secrets

TOKEN = 'token = "{env:T}"\n'
DELIVER = 'deliver = "https://oscar.example.com/job/y"\n'
TABLE = f"[relay.one]\n{TOKEN}{DELIVER}"


def read(folder: Path, text: str) -> Configuration:
    (folder / "mcmirror.toml").write_text(text)
    return load(None, {"HOME": str(folder)}, folder, needs_jobs=True)


def mistake(folder: Path, text: str) -> Mistake:
    with pytest.raises(ConfigError) as caught:
        read(folder, text)
    (found,) = caught.value.mistakes
    return found


def test_a_file_may_hold_relays_and_no_job(tmp_path: Path) -> None:
    expected = Relay("one", "/relay/one", "{env:T}", "https://oscar.example.com/job/y")
    assert {"one": expected} == read(tmp_path, TABLE).relays


def test_there_is_nothing_to_run_in_such_a_file(tmp_path: Path) -> None:
    """A single run of nothing would pass for a success."""
    with pytest.raises(ConfigError, match="there is no job in it"):
        select(read(tmp_path, TABLE), ())


def test_everything(tmp_path: Path) -> None:
    more = (
        'listen = "/x/y"\ndeliver_token = "{env:D}"\nattempts = 3\ntimeout = "2m"\nparallel = 1\nkeep_pending = true\n'
    )
    relay = read(tmp_path, TABLE + more).relays["one"]
    found = (relay.listen, relay.deliver_token, relay.attempts, relay.timeout, relay.parallel, relay.keep_pending)
    assert ("/x/y", "{env:D}", 3, 120.0, 1, True) == found


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        (f"[relay.one]\n{DELIVER}", "token", 'a relay needs its token. Write token = "{env:RELAY_TOKEN}"'),
        (f"[relay.one]\n{TOKEN}", "deliver", 'a relay needs its deliver. Write deliver = "https://host/path"'),
        (f'[relay.one]\n{DELIVER}token = "short"', "token", "fewer than 8 characters"),
        (f'[relay.one]\n{DELIVER}token = ""', "token", "is empty"),
        (f'{TABLE}deliver_token = "with a space"', "deliver_token", "no header can carry"),
        (f'[relay.one]\n{TOKEN}deliver = "oscar"', "deliver", "does not begin with http"),
        (f'{TABLE}listen = "relay"', "listen", 'listen = "/relay/intermediate"'),
        (f'{TABLE}listen = "/a b"', "listen", "is no path"),
        (f'{TABLE}listen = "/a//b"', "listen", "a part that is empty"),
        (f'{TABLE}listen = "/a/../b"', "listen", "a part that is empty, '.' or '..'"),
        (f'{TABLE}listen = "/api/v1/jobs"', "listen", "/api belongs to mcmirror serve itself"),
        (f'{TABLE}listen = "/events/photos"', "listen", "/events belongs to mcmirror serve itself"),
        (f'{TABLE}listen = "/metrics"', "listen", "/metrics belongs"),
        (f"{TABLE}attempts = 0", "attempts", "1"),
        (f"{TABLE}parallel = 65", "parallel", "64"),
        (f'{TABLE}timeout = "0s"', "timeout", "0"),
        (f'{TABLE}delivr = "x"', "delivr", "deliver"),
    ],
)
def test_what_does_not_fit(tmp_path: Path, text: str, key: str, words: str) -> None:
    found = mistake(tmp_path, text)
    assert f"relay.one.{key}" == found.key
    assert words in f"{found.message}. {found.remedy}"


def test_a_name_that_no_path_can_have(tmp_path: Path) -> None:
    found = mistake(tmp_path, TABLE.replace("one", '"one two"'))
    assert ("relay.one two", "this cannot be the name of a relay") == (found.key, found.message)


def test_two_relays_on_one_path(tmp_path: Path) -> None:
    found = mistake(tmp_path, TABLE + TABLE.replace("one", "two") + 'listen = "/relay/one"\n')
    assert ("relay.two.listen", "relay one listens on /relay/one already") == (found.key, found.message)


def test_references_are_resolved_and_hidden(tmp_path: Path) -> None:
    text = f'[relay.one]\n{TOKEN}deliver = "https://u:{{env:P}}@host/x?key=abc"\ndeliver_token = "{{env:D}}"\n'
    configuration = read(tmp_path, text)
    (relay,) = resolved(configuration, {"T": "token-of-the-relay", "P": "p%40ss", "D": "token-of-the-function"})
    assert ("token-of-the-relay", "https://u:p%40ss@host/x?key=abc") == (relay.token, relay.deliver)
    hidden = {"token-of-the-relay", "token-of-the-function", "p%40ss", "p@ss", "key=abc"}
    assert hidden == set(secrets(relay))
    assert not any(secret in repr(relay) for secret in hidden)


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({}, "T is not set"),
        ({"T": "short"}, "fewer than 8 characters"),
        ({"T": "has a space in it"}, "no header can carry"),
        ({"T": " "}, "what it refers to is blank"),
    ],
)
def test_references_that_lead_nowhere(tmp_path: Path, environ: dict[str, str], words: str) -> None:
    configuration = read(tmp_path, TABLE)
    with pytest.raises(ConfigError, match=words):
        resolved(configuration, environ)


def test_an_address_that_turns_out_to_be_none(tmp_path: Path) -> None:
    configuration = read(tmp_path, f'[relay.one]\n{TOKEN}deliver = "{{env:D}}"\n')
    with pytest.raises(ConfigError, match="this is no address"):
        resolved(configuration, {"T": "token-of-the-relay", "D": "oscar"})


def test_relays_need_a_port(tmp_path: Path) -> None:
    configuration = read(tmp_path, f'[settings]\nlisten = "off"\n{TABLE}')
    with pytest.raises(ConfigError, match=r"settings\.listen: is off, and relays take events there"):
        resolved(configuration, {"T": "token-of-the-relay"})
