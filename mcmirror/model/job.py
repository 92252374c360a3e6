"""What shall be mirrored, and how."""

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum

from mcmirror.model.location import Location

_NUMBER = re.compile(r"[0-9]*\.?[0-9]+\s*%?", re.ASCII)

FEW_DELETES = 10
"""Allowed under any percentage but 0, up to half of the target, so that a small bucket can be tidied."""


class Assurance(StrEnum):
    """How much a run proves."""

    FULL = "full"
    """Plan, guard, mirror, verify."""
    OFF = "off"
    """Exactly one ``mc mirror``; nothing is listed by us and nothing is verified."""


class Tags(StrEnum):
    """What becomes of the objects' tags between object stores."""

    AUTO = "auto"
    """mc carries them where it can; where it cannot, the run says that some stay behind."""
    COPY = "copy"
    """As auto, and what mc cannot carry is carried by the tagging calls, one request an object and side."""
    OFF = "off"
    """They are neither carried nor looked at."""


class Verb(StrEnum):
    """What is asked of a job."""

    RUN = "run"
    PLAN = "plan"
    VERIFY = "verify"


@dataclass(frozen=True, slots=True)
class MaxDelete:
    """How many objects a run may remove: a share of the target's objects, a number, or anything."""

    percent: float | None = 25.0
    number: int | None = None

    @classmethod
    def parse(cls, text: str | int) -> "MaxDelete":
        """Read ``"25%"``, ``"100"``, ``100`` or ``"unlimited"``; ValueError otherwise."""
        word = str(text).strip().lower()
        if word == "unlimited":
            return cls(None, None)
        if not _NUMBER.fullmatch(word):
            raise ValueError("a limit is a number, a percentage, or unlimited")
        number = float(word.removesuffix("%"))
        if word.endswith("%"):
            if not 0 <= number <= 100:
                raise ValueError("a percentage lies between 0% and 100%")
            return cls(number, None)
        if number < 0 or not number.is_integer():
            raise ValueError("a number of objects is a whole number, 0 or more")
        return cls(None, int(number))

    def __str__(self) -> str:
        if self.percent is not None:
            return f"{self.percent:g}%"
        return "unlimited" if self.number is None else str(self.number)

    @property
    def unlimited(self) -> bool:
        """Whether any number of objects may go."""
        return self.percent is None and self.number is None

    def allows(self, deletes: int, target_objects: int, *, few: bool = True) -> bool:
        """Whether ``deletes`` of ``target_objects`` may be removed.

        With ``few``, a percentage other than 0 allows ten objects in any case, but not more than half of them, or one.
        """
        if self.percent is not None:
            least = min(FEW_DELETES, max(1, target_objects / 2)) if few and self.percent else 0
            return deletes <= max(least, target_objects * self.percent / 100)
        return self.number is None or deletes <= self.number

    def left(self, removed: int, target_objects: int) -> "MaxDelete":
        """How many more may go where so many have gone lately."""
        if self.unlimited:
            return self
        low, high = 0, max(target_objects, self.number or 0, FEW_DELETES)
        while low < high:  # the largest number that is allowed
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self.allows(middle, target_objects) else (low, middle - 1)
        return MaxDelete(None, max(0, low - removed))


@dataclass(frozen=True, slots=True)
class MirrorOptions:
    """The flags of ``mc mirror``, by their names."""

    overwrite: bool = False
    remove: bool = False
    dry_run: bool = False
    preserve: bool | None = None
    """Carry tags, metadata and file attributes over; None: between object stores."""
    tags: Tags = Tags.AUTO
    encrypt: str = ""
    """What the target's bucket demands: ``sse-s3`` or ``sse-kms:KEY``."""
    skip_errors: bool = True
    """Go on after an object that fails; off stops at the first one."""
    exclude: tuple[str, ...] = ()
    newer_than: str = ""
    """Go-like duration with days, ``7d10h31s``."""
    older_than: str = ""
    limit_upload: str = ""
    """Bytes a second, ``10MiB``; 0 and empty: no limit."""
    limit_download: str = ""
    workers: int | None = None
    storage_class: str = ""
    attr: str = ""
    """``key=value;key2=value2``."""
    checksum: str = ""
    region: str = ""
    """Only for a bucket that the run creates."""


class Origin(StrEnum):
    """Who described a job, and so by which words its reader mends it."""

    FILE = "file"
    """``mcmirror.toml``, or a command line."""
    PAIRS = "pairs"
    """The variables BUCKET_PAIRS, MINIO_*, AWS_* and MIRROR_*."""
    SIDECAR = "sidecar"
    """The variables S3_SYNC_* and MINIO_*."""


@dataclass(frozen=True, slots=True)
class Job:
    """One pair to mirror, complete and valid."""

    name: str
    source: Location
    target: Location
    options: MirrorOptions = field(default_factory=MirrorOptions)
    assurance: Assurance = Assurance.FULL
    max_delete: MaxDelete = field(default_factory=MaxDelete)
    create_target: bool = False
    strict: bool = False
    """Objects kept because overwrite is off count as not done."""
    retries: int = 3
    retry_delay: float = 5.0
    """Seconds before the first retry; doubles, with jitter."""
    stall_timeout: float = 120.0
    """Seconds without a byte moved or a line printed after which mc is stopped."""
    max_memory: int = 0
    """Bytes of memory that mc may have before it is stopped; 0: the default."""
    prefix: str = ""
    """As written, with its dates; ``service`` puts it below source and target when a run starts."""
    timezone: str = "UTC"
    origin: Origin = Origin.FILE
    split: int = 1
    """Parts in which it copies at once."""
    agent: str = ""
    """The site that runs it; empty: the process that starts it."""

    @property
    def between_stores(self) -> bool:
        """Whether neither side is a local folder."""
        return not (self.source.is_local or self.target.is_local)

    @property
    def preserves(self) -> bool:
        """Whether the objects' metadata is to arrive: by default between object stores."""
        chosen = self.options.preserve
        return self.between_stores if chosen is None else chosen

    @property
    def carried(self) -> MirrorOptions:
        """The options as mc is given them: ``-a`` where metadata is to arrive, tags included unless they are off."""
        wanted = self.preserves and not (self.between_stores and self.options.tags is Tags.OFF)
        return replace(self.options, preserve=wanted)
