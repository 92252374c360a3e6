"""What a run asks of the two servers, in requests and, at a list price, in money.

The numbers of requests are those that ``mc`` was seen to make: a page of a listing holds 1,000 keys; an object is one
GET at the source and one PUT at the target up to 16 MiB, and above that parts of 16 MiB between two further requests.
"""

from dataclasses import dataclass, replace
from math import ceil

from mcmirror.model.plan import Count, Plan

PAGE = 1000
PART = 16 * 1024 * 1024
PRICE_PER_WRITE = 0.005 / 1000
"""US dollars for a PUT, POST or LIST: AWS S3 Standard, us-east-1."""
PRICE_PER_READ = 0.0004 / 1000
"""US dollars for a GET or HEAD: the same."""


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests by kind. Deletes are free at AWS."""

    source_list: int = 0
    source_get: int = 0
    target_list: int = 0
    target_put: int = 0
    target_delete: int = 0
    target_get: int = 0

    def __add__(self, other: "Requests") -> "Requests":
        return Requests(
            self.source_list + other.source_list,
            self.source_get + other.source_get,
            self.target_list + other.target_list,
            self.target_put + other.target_put,
            self.target_delete + other.target_delete,
            self.target_get + other.target_get,
        )

    def asked_of(self, *, source: bool, target: bool) -> "Requests":
        """Leave out a side that is no server."""
        return replace(
            self,
            **({} if source else {"source_list": 0, "source_get": 0}),
            **({} if target else {"target_list": 0, "target_put": 0, "target_delete": 0, "target_get": 0}),
        )

    @property
    def source_dollars(self) -> float:
        """If the source were AWS S3 Standard; outgoing traffic not counted."""
        return self.source_list * PRICE_PER_WRITE + self.source_get * PRICE_PER_READ

    @property
    def target_dollars(self) -> float:
        """If the target were AWS S3 Standard."""
        return (self.target_list + self.target_put) * PRICE_PER_WRITE + self.target_get * PRICE_PER_READ


def listing(objects: int) -> int:
    """LIST requests for so many objects."""
    return max(1, ceil(objects / PAGE))


def both_listed(plan: Plan) -> Requests:
    """One listing of both sides."""
    return listed(plan.source.objects, plan.target.objects)


def listed(source_objects: int, target_objects: int) -> Requests:
    """A listing of both sides that showed so many objects."""
    return Requests(source_list=listing(source_objects), target_list=listing(target_objects))


def copying(copies: Count) -> Requests:
    """The transfer itself, from the objects' number and bytes."""
    parts = copies.bytes // PART
    return Requests(source_get=copies.objects, target_put=copies.objects + parts)


def estimate(plan: Plan, *, removals: int, whole: bool = True) -> Requests:
    """What carrying out ``plan`` will take, its own listings and the verification included."""
    listings = both_listed(plan)
    total = listings
    if whole and plan.copies.objects:
        total = total + listings + copying(plan.copies) + listings
    if whole and removals:
        total = total + listings + Requests(target_list=listings.target_list, target_delete=removals)
    return total
