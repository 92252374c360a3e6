"""Which events of a bucket a server sends to which destination, in the words of ``mc event``. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

NAMES: dict[str, tuple[str, ...]] = {
    "put": ("s3:ObjectCreated:*",),
    "delete": ("s3:ObjectRemoved:*",),
    "get": ("s3:ObjectAccessed:*",),
    "replica": ("s3:Replication:*",),
    "ilm": ("s3:ObjectRestore:*", "s3:ObjectTransition:*"),
    "scanner": ("s3:Scanner:ManyVersions", "s3:Scanner:BigPrefix"),
}
"""S3's names of the events that a word stands for."""


@dataclass(frozen=True, slots=True)
class EventRule:
    """One rule of a bucket."""

    arn: str
    """The destination, ``arn:minio:sqs::NAME:webhook``."""
    names: tuple[str, ...]
    """As S3 has them."""
    prefix: str = ""
    suffix: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """The words whose events are all in it, then the names that belong to none of these."""
        found = tuple(word for word, names in NAMES.items() if set(names) <= set(self.names))
        known = {name for word in found for name in NAMES[word]}
        return (*found, *(name for name in self.names if name not in known))

    @property
    def removable(self) -> bool:
        """Whether mc has words for it: mc removes a rule only by naming exactly its events."""
        return all(word in NAMES for word in self.words)


@dataclass(frozen=True, slots=True)
class EventFilter:
    """What rules are asked for."""

    arn: str
    words: tuple[str, ...]
    """Keys of ``NAMES``."""
    prefix: str = ""
    suffix: str = ""

    def present(self, rules: Iterable[EventRule]) -> tuple[str, ...]:
        """The words whose events arrive already, by a rule for these keys or for more."""
        sent = {name for rule in rules if self._covered(rule) for name in rule.names}
        return tuple(word for word in self.words if set(NAMES[word]) <= sent)

    def concerned(self, rules: Iterable[EventRule]) -> tuple[EventRule, ...]:
        """The rules for exactly these keys that hold any of the words."""
        names = {name for word in self.words for name in NAMES[word]}
        return tuple(rule for rule in rules if self._same_keys(rule) and names & set(rule.names))

    def left(self, rule: EventRule) -> tuple[str, ...]:
        """The words of a rule that are not among these."""
        return tuple(word for word in rule.words if word not in self.words)

    def _same_keys(self, rule: EventRule) -> bool:
        return (self.arn, self.prefix, self.suffix) == (rule.arn, rule.prefix, rule.suffix)

    def _covered(self, rule: EventRule) -> bool:
        return self.arn == rule.arn and self.prefix.startswith(rule.prefix) and self.suffix.endswith(rule.suffix)


def shown(words: Sequence[str]) -> str:
    """Words for people: ``put, delete``."""
    return ", ".join(words)
