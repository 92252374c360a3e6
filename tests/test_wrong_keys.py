"""A wrong key: the alias, which of its two keys, and the command that corrects it, in the first line and the remedy."""

import pytest

from mcmirror.messages.error_lookup import classify
from tests.conftest import Pair
from tests.servers.command import Cli
from tests.servers.minio import Minio


@pytest.fixture
def pair(bucket_pair: Pair, cli: Cli, target: Minio) -> Pair:
    """A pair with an object; ``offsite`` in the file is the target's server."""
    bucket_pair.source.put({"a": b"a"})
    return bucket_pair


def written(cli: Cli, server: Minio, access: str, secret: str, pair: Pair) -> None:
    (cli.folder / "mcmirror.toml").write_text(
        f'[alias.offsite]\nurl = "{server.url}"\naccess_key = "{access}"\nsecret_key = "{secret}"\n'
        f'[job."my docs"]\nsource = "src/{pair.source.bucket}"\ntarget = "offsite/{pair.target.bucket}"\n'
    )


@pytest.mark.parametrize(
    ("access", "secret", "said"),
    [("", "not-its-own", "offsite rejected the secret key"), ("NOSUCHKEY", "", "offsite does not know the access key")],
    ids=["secret", "access"],
)
def test_one_line_names_alias_key_and_command(  # noqa: PLR0917
    access: str, secret: str, said: str, cli: Cli, target: Minio, pair: Pair
) -> None:
    written(cli, target, access or target.root.access_key, secret or target.root.secret_key, pair)
    command = f"`mcmirror alias set offsite {target.url}`"

    run = cli("run", "my docs")
    assert 1 == run.code
    assert f"✗ my docs failed: {said}" in run.stderr, run.stderr
    assert command in run.stderr
    assert "to the end" not in run.stderr

    test = cli("alias", "test", "offsite")
    assert (1, f"Error: {said}") == (test.code, test.stderr.splitlines()[0])
    assert command in test.stderr

    doctor = cli("doctor", "my docs")
    assert 1 == doctor.code
    assert said in doctor.stdout
    assert command in doctor.stdout


@pytest.mark.parametrize(
    ("cause", "code", "message"),
    [
        ("Access Denied.", "AccessDenied", "offsite/docs could not be listed: "),
        ("The specified bucket does not exist", "NoSuchBucket", "offsite/docs could not be listed: "),
        ("read: connection reset by peer", "", "offsite/docs could not be listed to the end: "),
        ("We encountered an internal error", "InternalError", "offsite/docs could not be listed to the end: "),
    ],
)
def test_only_a_listing_that_broke_did_not_come_to_its_end(cause: str, code: str, message: str) -> None:
    found = classify("Unable to list folder.", cause, code, object="offsite/docs", side="offsite")
    assert found.message.startswith(message)


@pytest.mark.parametrize(
    ("about", "side", "who"),
    [
        ("offsite/docs", "offsite", "offsite"),
        ("offsite/docs/a key", "", "offsite"),
        ("http://127.0.0.1:1", "", "http://127.0.0.1:1"),
        ("2025/a.jpg", "target", "The target"),
        ("", "", "The server"),
    ],
)
def test_who_rejected_the_key(about: str, side: str, who: str) -> None:
    found = classify("Unable to list folder.", "x", "SignatureDoesNotMatch", object=about, side=side)
    assert f"{who} rejected the secret key" == found.message
