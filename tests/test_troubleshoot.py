"""The table of troubles, against every recording of mc, and against mc itself where no recording was at hand."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mcmirror.messages.error_lookup import LONGEST_CAUSE, classify, find, markdown, problem, row, table, words
from mcmirror.model.location import Alias, Secret
from mcmirror.model.problem import Category, Problem
from mcmirror.movers.mc import decode
from mcmirror.movers.mc.session import Session
from tests.conftest import Pair
from tests.servers.minio import Minio
from tests.servers.proxy import Action, Answer, Call, Proxy, Reset, s3_error

CAPTURES = Path(__file__).parent / "captures"
ABOUT_REPLICATION = re.compile(r"replicat|versioning enabled|remote target|This ARN|is not empty", re.IGNORECASE)
HTML = Answer(
    502, b"<html><head><title>502 Bad Gateway</title><style>p{}</style></head><p>nginx</p></html>", "text/html"
)


def failures(recording: str) -> list[decode.Failure]:
    lines = (CAPTURES / f"{recording}.stdout.ndjson").read_bytes().split(b"\n")
    read = [decode.line(line) for line in lines if b'"status":"error"' in line]
    return [failure for failure in read if isinstance(failure, decode.Failure)]


def judged(failure: decode.Failure) -> Problem:
    return classify(failure.message, failure.cause, failure.code)


RECORDED = [
    (path.name.removesuffix(".stdout.ndjson"), number)
    for path in sorted(CAPTURES.glob("*.stdout.ndjson"))
    for number, _ in enumerate(failures(path.name.removesuffix(".stdout.ndjson")))
]


@pytest.mark.parametrize(("recording", "number"), RECORDED)
def test_every_recorded_error_has_its_row(recording: str, number: int) -> None:
    failure = failures(recording)[number]
    found = judged(failure)
    known = found.category is not Category.UNKNOWN
    assert known or ABOUT_REPLICATION.search(failure.message + failure.cause)
    assert found.message
    assert found.cause
    assert found.remedy
    assert len(found.cause) <= LONGEST_CAUSE
    assert "\n" not in found.message + found.cause


def test_plain_text_errors_have_their_row() -> None:
    said = {path.stem: path.read_text() for path in CAPTURES.glob("*.stderr") if path.stat().st_size}
    assert {
        "flag_maxworkers": Category.MC_TOO_OLD,
        "admin_bucket_remote_add": Category.MC_TOO_OLD,
        "admin_bucket_remote_ls": Category.MC_TOO_OLD,
        "limit_bad1": Category.USAGE,
    } == {name: classify("", text).category for name, text in said.items()}


def test_every_category_has_exactly_one_row() -> None:
    assert sorted(Category) == sorted(known.category for known in table())


def test_only_transport_is_tried_again() -> None:
    assert {
        Category.CONNECTION_REFUSED,
        Category.CONNECTION_LOST,
        Category.STALLED,
        Category.THROTTLED,
        Category.SERVER_ERROR,
        Category.ADDRESS_NOT_RESOLVED,
        Category.CHANGED_WHILE_COPYING,
        Category.AGENT_GONE,
    } == {known.category for known in table() if known.retryable}


@pytest.mark.parametrize("known", table(), ids=lambda known: known.category.value)
def test_each_row_stands_on_evidence(known: object) -> None:
    category = Category(str(getattr(known, "category", "")))
    tests = "".join(path.read_text() for path in Path(__file__).parent.rglob("test_*.py"))
    evidence = row(category).evidence
    assert evidence
    for name in evidence:
        if name.startswith("test_"):
            assert f"def {name}(" in tests
            continue
        errors = failures(name)
        assert not errors or category in {judged(error).category for error in errors}


def test_every_category_can_be_made() -> None:
    for category in Category:
        made = problem(category, "What happened", object="key")
        assert ("What happened", "key", row(category).retryable) == (made.message, made.object, made.retryable)
        assert made.cause
        assert made.remedy


@pytest.mark.parametrize(
    ("heading", "category"),
    [
        ("Mirror process closed with code: 1", Category.MC_DIED),
        ("Unable to stat source", Category.SOURCE_NOT_FOUND),
        ("Failed to set alias", Category.CONNECTION_REFUSED),
        ("Failed to access alias", Category.PERMISSION),
        ("Object does not exist", Category.OBJECT_VANISHED),
        ("clock-skew", Category.CLOCK_SKEW),
        ("slowdown", Category.THROTTLED),
        ("self signed", Category.TLS_NOT_TRUSTED),
        ("mc: <ERROR> Unable to stat source `s/x`. Access Denied.", Category.PERMISSION),
        ((CAPTURES / "mirror_quota2.stdout.ndjson").read_text().split("\n")[-3], Category.QUOTA),
    ],
)
def test_explain_finds_what_people_paste(heading: str, category: Category) -> None:
    found = find(heading)
    assert found is not None
    assert category == found.category


def test_explain_knows_a_code_among_other_words() -> None:
    found = find("AccessDenied: kms")
    assert found is not None
    assert Category.PERMISSION == found.category


def test_explain_does_not_guess() -> None:
    assert find("xyzzy plugh") is None
    assert find("") is None


def test_the_first_five_rows_answer_the_page_people_know() -> None:
    assert [
        "Mirror process closed with code: 1",
        "Unable to stat source",
        "Failed to set alias",
        "Failed to access alias",
        "Object does not exist",
    ] == [known.headings[0] for known in table()[:5]]


def test_what_nobody_knows_keeps_mcs_words() -> None:
    found = classify("Failed to copy `http://h/b/k`.", "the flux capacitor is empty", object="k")
    assert Category.UNKNOWN == found.category
    assert "the flux capacitor is empty" == found.cause
    assert "k was not copied: mc reported something that mcmirror does not know" == found.message


def test_a_key_cannot_pretend_to_be_an_error() -> None:
    found = classify("Failed to copy `http://h/b/connection refused`.", 'Put "http://h/access denied": EOF')
    assert Category.CONNECTION_LOST == found.category


def test_a_message_is_one_line_whatever_the_key() -> None:
    assert "a\\nb\\x1b[31m was not copied: the object was listed and is gone" == (
        classify("Failed to copy `x`.", "", "NoSuchKey", object="a\nb\x1b[31m").message
    )


def test_causes_lose_secrets_queries_and_markup() -> None:
    assert "Invalid secret key." == words("Invalid secret key `hunter2 `x`.")
    assert 'Put "http://h/b/k": EOF' == words('Put "http://h/b/k?partNumber=2&uploadId=abc": EOF')
    assert "502 Bad Gateway nginx" == words(HTML.body.decode())
    long = words("a" * 500 + "z" * 500)
    assert (LONGEST_CAUSE - 1, "a", "z") == (len(long), long[0], long[-1])


def test_markdown_is_a_table_with_a_line_for_each_row() -> None:
    lines = markdown().splitlines()
    assert len(table()) + 2 == len(lines)
    assert {4} == {len(re.split(r"(?<!\\)\|", line)) - 2 for line in lines}


@pytest.fixture
def say(mc: Path, bucket_pair: Pair, new_proxy: Callable[[Minio], Proxy]) -> Callable[..., list[Problem]]:
    """Run mc against a server that answers as told; the problems it reports."""
    proxy = new_proxy(bucket_pair.target.server)
    keys = bucket_pair.target.server.root
    alias = Alias("dst", proxy.url, Secret(keys.access_key), Secret(keys.secret_key))

    def run(kind: str, action: Action | None, *argv: str) -> list[Problem]:
        if action:
            proxy.on(kind, action)
        arguments = [argument.replace("TARGET", bucket_pair.target.location) for argument in argv]
        with Session(str(mc), [alias]) as session:
            lines = [line for batch in session.process(arguments).lines() for line in batch]
        return [judged(read) for read in map(decode.line, lines) if isinstance(read, decode.Failure)]

    return run


@pytest.mark.parametrize(
    ("kind", "answer", "category"),
    [
        ("put", s3_error(403, "RequestTimeTooSkewed"), Category.CLOCK_SKEW),
        ("put", s3_error(507, "XMinioStorageFull"), Category.DISK_FULL),
        ("put", s3_error(400, "XMinioInvalidObjectName"), Category.KEY_NOT_STORABLE),
        ("list", s3_error(503, "SlowDown"), Category.THROTTLED),
        ("list", s3_error(503, "SlowDownRead"), Category.THROTTLED),
        ("list", HTML, Category.SERVER_ERROR),
        ("list", Reset(), Category.CONNECTION_LOST),
        ("put", s3_error(412, "PreconditionFailed"), Category.CHANGED_WHILE_COPYING),
    ],
    ids=lambda value: value if isinstance(value, Category) else "",
)
def test_a_stub_server_makes_mc_say_it(
    say: Callable[..., list[Problem]], tmp_path: Path, kind: str, answer: Action, category: Category
) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"0123456789")
    argv = ("ls", "--json", "TARGET/") if kind == "list" else ("cp", "--json", str(file), "TARGET/key")
    assert [category] == [found.category for found in say(kind, answer, *argv)]


@pytest.mark.parametrize(
    "words",
    [
        "read: connection reset by peer",
        "write: broken pipe",
        "EOF",
        "write tcp h:1->h:2: use of closed network connection",
    ],
)
def test_one_broken_connection_has_many_words(words: str) -> None:
    """Timing decides which of them Go finds."""
    assert Category.CONNECTION_LOST == classify("Failed to copy `a`.", f'Put "http://h/b/a": {words}').category


@pytest.mark.parametrize("key", ["a//b", "p" * 256, "a/../b", "x" * 1100])
def test_a_key_that_the_target_refuses(say: Callable[..., list[Problem]], tmp_path: Path, key: str) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    assert [Category.KEY_NOT_STORABLE] == [
        found.category for found in say("", None, "cp", "--json", str(tmp_path / "file"), f"TARGET/{key}")
    ]


@pytest.fixture
def large(tmp_path: Path) -> Iterator[Path]:
    """A file that takes mc a while."""
    path = tmp_path / "large"
    path.write_bytes(os.urandom(15 * 1024 * 1024))
    yield path
    path.unlink(missing_ok=True)


def test_a_file_that_is_cut_while_mc_reads_it(say: Callable[..., list[Problem]], large: Path) -> None:
    cut = Call(lambda: os.truncate(large, 1000))
    found = say("put", cut, "cp", "--json", "--limit-upload", "4MiB", str(large), "TARGET/large")
    assert [Category.CHANGED_WHILE_COPYING] == [one.category for one in found]
