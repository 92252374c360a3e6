"""Listings that no honest server gives: each is whole and in order, or it is broken, in bounded time and memory."""

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest

from mcmirror.listing.order import OutOfOrder, in_order, sorted_on_disk
from mcmirror.listing.sort import EntrySort
from mcmirror.model.location import Alias, Location, Secret
from mcmirror.model.plan import Entry
from mcmirror.model.problem import Category, ListingBroken
from mcmirror.movers.mc import memory
from mcmirror.movers.mc.listing import entries
from mcmirror.movers.mc.session import Session
from tests.servers.lister import Lister, Page

PLACE = Location("it", "listed")
Pages = Callable[[str], Page]
List = Callable[[Pages], "Look"]


class Look:
    """One server's pages as they are listed."""

    def __init__(self, lister: Lister, session: Session) -> None:
        self.lister = lister
        self._session = session

    def entries(self) -> list[Entry]:
        """List, and sort when the order demands it."""
        try:
            found = list(in_order(PLACE, entries(self._session, PLACE, stall_timeout=60)))
        except OutOfOrder:
            found = list(sorted_on_disk(PLACE, entries(self._session, PLACE, stall_timeout=60)))
        return [entry for entry in found if entry is not None]

    def broken(self) -> tuple[Category, str]:
        """Why the listing breaks."""
        with pytest.raises(ListingBroken) as caught:
            self.entries()
        return caught.value.problem.category, caught.value.problem.cause


@pytest.fixture
def listed(mc: Path) -> Iterator[List]:
    with ExitStack() as stack:

        def make(pages: Pages) -> Look:
            lister = stack.enter_context(Lister(pages))
            alias = Alias("it", lister.root, Secret("a-key"), Secret("a-secret"), region="us-east-1")
            return Look(lister, stack.enter_context(Session(str(mc), [alias])))

        yield make


def numbered(start: int, size: int = 10) -> list[str]:
    return [f"{number:08}" for number in range(start, start + size)]


def test_whole_pages_are_a_listing(listed: List) -> None:
    look = listed(lambda token: Page(numbered(int(token or 0)), str(int(token or 0) + 10) if token != "90" else ""))

    assert numbered(0, 100) == [entry.key for entry in look.entries()]


@pytest.mark.parametrize(
    "pages",
    [
        pytest.param(lambda _: Page(numbered(0), "t"), id="the same page by the same token"),
        pytest.param(lambda token: Page(numbered(int(token or 0)), "7"), id="a token that comes again, once"),
        pytest.param(lambda token: Page([], {"a": "b", "b": "a"}.get(token, "a")), id="two tokens in turn, no key"),
        pytest.param(lambda token: Page(numbered(0, 1000), f"{token}x"), id="the same page by new tokens"),
        pytest.param(lambda token: Page(["one"], f"{token}x"), id="one key for ever"),
        pytest.param(
            lambda token: Page(numbered(len(token) % 3 * 10), f"{token}x"), id="three pages in turn by new tokens"
        ),
        pytest.param(lambda token: Page([], f"{token}x"), id="empty pages for ever"),
        pytest.param(
            lambda token: Page(numbered(0, 3), "" if token else "t", etag=f"{len(token):032x}"), id="new ETags"
        ),
    ],
)
def test_a_listing_that_goes_round_is_broken_soon(listed: List, pages: Pages) -> None:
    look = listed(pages)

    category, cause = look.broken()

    assert Category.LISTING_BROKEN is category
    assert cause


def test_pages_that_overlap_or_go_backwards_are_sorted_and_each_key_counts_once(listed: List) -> None:
    keys = numbered(0, 30)
    order = [keys[20:30], keys[0:12], keys[10:21]]
    look = listed(lambda token: Page(order[len(token)], f"{token}x" if len(token) < 2 else ""))

    assert keys == [entry.key for entry in look.entries()]


@pytest.mark.parametrize(
    ("page", "category"),
    [
        (Page(numbered(0), body="<ListBucketResult><Marker></Marker><IsTruncated>true</IsTruncated>"
              "</ListBucketResult>"), Category.LISTING_UNSUPPORTED),
        (Page(status=501, body="<Error><Code>NotImplemented</Code><Message>list-type</Message></Error>"),
         Category.LISTING_UNSUPPORTED),
        (Page(status=301, location="http://127.0.0.1:1/listed/"), Category.REDIRECTED),
        (Page(status=302, location="http://127.0.0.1:1/listed/"), Category.REDIRECTED),
        (Page(status=308, location="http://127.0.0.1:1/listed/"), Category.REDIRECTED),
        (Page(status=307, location="http://127.0.0.1:1/listed/", body="<Error><Code>TemporaryRedirect</Code>"
              "<Message>Please re-send this request to the specified temporary endpoint.</Message></Error>"),
         Category.REDIRECTED),
    ],
)  # fmt: skip
def test_a_server_that_cannot_list_so(listed: List, page: Page, category: Category) -> None:
    assert category is listed(lambda _: page).broken()[0]


def test_an_answer_without_an_end(mc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "ASKING", 160 << 20)
    with Lister(lambda _: Page(f"{number:01000}" for number in count())) as lister:
        alias = Alias("it", lister.root, Secret("a-key"), Secret("a-secret"), region="us-east-1")
        with Session(str(mc), [alias]) as session:
            category, cause = Look(lister, session).broken()

    assert Category.MEMORY is category
    assert "MiB, and was stopped" in cause


def test_a_sort_of_many_runs_hands_out_everything_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcmirror.listing.sort.RUN", 50)
    monkeypatch.setattr("mcmirror.listing.sort.FRAME", 7)
    monkeypatch.setattr("mcmirror.listing.sort.FAN", 3)
    given = [Entry(f"{number:05}\udcff", number, "", "t") for number in range(3000)]
    shuffled = given.copy()
    random.Random(7).shuffle(shuffled)
    sort = EntrySort()

    for entry in shuffled:
        sort.add(entry)

    assert given == list(sort)
    sort.close()


def test_no_room_to_sort_is_said(listed: List, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: object) -> None:
        raise OSError(28, "No space left on device")

    look = listed(lambda token: Page(reversed(numbered(0, 100)), "" if token else "t"))
    monkeypatch.setattr("mcmirror.listing.sort.RUN", 50)
    monkeypatch.setattr("mcmirror.listing.sort.tempfile.TemporaryFile", full)

    assert (Category.DISK_FULL, "No space left on device") == look.broken()
