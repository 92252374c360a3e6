"""Problems that stand in the way of a replication before anything is changed: one sentence for each."""

from collections.abc import Sequence

from mcmirror.messages.error_lookup import problem
from mcmirror.model.location import Location
from mcmirror.model.problem import Category, Problem
from mcmirror.model.replication import Direction


def foreign_rule(name: str, direction: Direction, rule: str) -> Problem:
    """A rule to the same target exists that is not ours."""
    return _conflict(
        direction,
        f"{direction.source} already replicates to {direction.target}, by a rule that mcmirror did not make",
        f"rule {rule}; a second rule for the same target would use the keys of the first",
        f"Adopt it with `mcmirror replicate import {name}`, or remove it with mc: mc replicate rm --id {rule} "
        f"{direction.source}",
    )


def other_bucket(direction: Direction, bucket: str) -> Problem:
    """The source already has a remote target on the same server."""
    return _conflict(
        direction,
        f"{direction.source} already replicates to another bucket of the same server",
        f"it is {bucket}; MinIO replicates a bucket to one bucket of each other server",
        "Name that bucket as the target, or remove its rule first.",
    )


def other_keys(direction: Direction) -> Problem:
    """A remote target without a rule stands, with other keys."""
    return _conflict(
        direction,
        f"{direction.source} has a remote target for {direction.target} with keys of another user, and no rule",
        "MinIO takes no second remote target for the same server, and without a rule its keys cannot be changed",
        f"If the bucket has no other rule, remove it with mc: mc replicate rm --all --force {direction.source}",
    )


def leads_elsewhere(name: str, direction: Direction, rule: str, leads: str) -> Problem:
    """Our rule has another target than the configuration."""
    return _conflict(
        direction,
        f"rule {rule} of {direction.source} replicates to another place than {direction.target}",
        f"it leads to {leads}",
        f"Remove it with `mcmirror replicate remove {name}`, then apply again.",
    )


def filtered_rule(direction: Direction, rule: str) -> Problem:
    """An adopted rule replicates only a part."""
    return _conflict(
        direction,
        f"rule {rule} of {direction.source} replicates only objects with a prefix or with tags",
        "a [replication.NAME] stands for whole buckets",
        f"Remove the filter: mc replicate update --id {rule} --tags '' {direction.source}, or leave that rule to mc.",
    )


def priority_taken(direction: Direction, priority: int, rule: str, free: int) -> Problem:
    """Two rules cannot have one priority."""
    return _conflict(
        direction,
        f"another rule of {direction.source} has priority {priority}",
        f"it is rule {rule}; each rule of a bucket needs a priority of its own",
        f"Write priority = {free}, which is free.",
    )


def target_without_lock(direction: Direction) -> Problem:
    """Object lock on one side only."""
    return _conflict(
        direction,
        f"{direction.source} has object lock and {direction.target} has not",
        "a bucket with object lock is replicated only to one that has it too, and it cannot be added later",
        "Name a target bucket that does not exist yet, which is then created with object lock, or one that has it.",
    )


def no_rule(name: str, direction: Direction) -> Problem:
    """There is nothing to resync."""
    what = f"{direction.source} has no rule that replicates to {direction.target}"
    return _conflict(direction, what, "its server lists none", f"Make it with `mcmirror replicate apply {name}`.")


def no_existing_objects(name: str, direction: Direction, rule: str) -> Problem:
    """The rule leaves alone what is there already."""
    return _conflict(
        direction,
        f"rule {rule} of {direction.source} does not replicate existing objects, and so nothing again",
        "a resync replicates existing objects",
        f'Add "existing-objects" to `replicate`, then `mcmirror replicate apply {name}`.',
    )


def nothing_to_import(source: Location, choice: Sequence[str], leads: str) -> Problem:
    """No rule, or several, could be described."""
    if choice:
        cause, remedy = f"they lead to {', '.join(choice)}", "Name one of them as TARGET."
    elif leads:
        cause = f"it replicates to {leads}, and no alias has this address, or it is not TARGET"
        remedy = "Define an alias for that server: mcmirror alias set NAME URL. Then import again."
    else:
        cause, remedy = (
            "its server has no rule for it",
            "Write a [replication.NAME], and `mcmirror replicate apply NAME`.",
        )
    what = f"{source} has {'several rules' if choice else 'no rule'} that could be imported"
    return problem(Category.REPLICATION_CONFLICT, what, cause, str(source), remedy=remedy)


def no_replication(place: Location | str, said: str) -> Problem:
    """The server of a bucket has no replication API."""
    return problem(
        Category.REPLICATION_UNSUPPORTED, f"the server of {place} cannot replicate buckets", said, str(place)
    )


def source_cannot_reach(direction: Direction, url: str, said: str) -> Problem:
    """This machine reaches the target, the server of the source does not."""
    return problem(
        Category.REPLICATION_UNREACHABLE,
        f"the server of {direction.source} cannot reach {direction.target} at {url}",
        said,
        str(direction.target),
    )


def _conflict(direction: Direction, message: str, cause: str, remedy: str) -> Problem:
    return problem(Category.REPLICATION_CONFLICT, message, cause, str(direction.source), remedy=remedy)
