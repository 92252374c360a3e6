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
    source_head: int = 0
    target_head: int = 0

    def __add__(self, other: "Requests") -> "Requests":
        return Requests(
            self.source_list + other.source_list,
            self.source_get + other.source_get,
            self.target_list + other.target_list,
            self.target_put + other.target_put,
            self.target_delete + other.target_delete,
            self.target_get + other.target_get,
            self.source_head + other.source_head,
            self.target_head + other.target_head,
        )

    def asked_of(self, *, source: bool, target: bool) -> "Requests":
        """Leave out a side that is no server."""
        return replace(
            self,
            **({} if source else dict.fromkeys(("source_list", "source_get", "source_head"), 0)),
            **(
                {}
                if target
                else dict.fromkeys(("target_list", "target_put", "target_delete", "target_get", "target_head"), 0)
            ),
        )

    @property
    def source_dollars(self) -> float:
        """If the source were AWS S3 Standard; outgoing traffic not counted."""
        return self.source_list * PRICE_PER_WRITE + (self.source_get + self.source_head) * PRICE_PER_READ

    @property
    def target_dollars(self) -> float:
        """If the target were AWS S3 Standard."""
        reads = self.target_get + self.target_head
        return (self.target_list + self.target_put) * PRICE_PER_WRITE + reads * PRICE_PER_READ


def listing(objects: int) -> int:
    """LIST requests for so many objects."""
    return max(1, ceil(objects / PAGE))


def both_listed(plan: Plan) -> Requests:
    """One look at both sides: a listing, or a HEAD for each key."""
    if plan.named:
        keys = plan.source.objects + plan.extraneous.objects
        return Requests(source_head=keys, target_head=keys)
    return listed(plan.source.objects, plan.target.objects)


def planned(plan: Plan) -> Requests:
    """What it took to make the plan."""
    return both_listed(plan) + sought_at_target(plan.asked)


def listed(source_objects: int, target_objects: int) -> Requests:
    """A listing of both sides that showed so many objects."""
    return Requests(source_list=listing(source_objects), target_list=listing(target_objects))


def copying(copies: Count) -> Requests:
    """The transfer itself, from the objects' number and bytes."""
    parts = copies.bytes // PART
    return Requests(source_get=copies.objects, target_put=copies.objects + parts)


def asked_at_source(keys: int) -> Requests:
    """Single keys that the source lacks: mc sends a HEAD for each, and two listings by its name."""
    return Requests(source_head=keys, source_list=2 * keys)


def asked_at_target(keys: int) -> Requests:
    """Single keys that the target holds: a HEAD for each, and a listing by its name."""
    return Requests(target_head=keys, target_list=keys)


def sought_at_target(keys: int) -> Requests:
    """Single keys that the target lacks: a HEAD for each, and two listings by its name."""
    return Requests(target_head=keys, target_list=2 * keys)


def removing(keys: int) -> Requests:
    """The removal itself: mc asks for each key before it deletes it."""
    return Requests(target_head=keys, target_delete=keys)


def tagging(objects: int) -> Requests:
    """Tags carried by calls, if every object has some: a HEAD and a GET on each side, and a PUT."""
    return Requests(
        source_head=objects, source_get=objects, target_head=objects, target_get=objects, target_put=objects
    )


def estimate(plan: Plan, *, removals: int, whole: bool = True) -> Requests:
    """What carrying out ``plan`` will take, its own listings and the verification included."""
    listings = both_listed(plan)
    total = planned(plan)
    if whole and plan.copies.objects:
        total = total + listings + copying(plan.copies) + listings
    if whole and plan.tag_calls:
        total = total + tagging(plan.copies.objects)
    if whole and removals:
        again = Requests(source_list=listings.source_list, target_list=listings.target_list)
        total = total + again + asked_at_source(removals) + asked_at_target(removals) + removing(removals)
    return total
