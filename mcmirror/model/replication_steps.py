"""The steps from what servers have to what a replication asks for, and what became of each."""

from dataclasses import dataclass
from enum import StrEnum

from mcmirror.model.problem import Problem


class Action(StrEnum):
    """What a step does; the names are a published API (JSON)."""

    CREATE_BUCKET = "create-bucket"
    ENABLE_VERSIONING = "enable-versioning"
    ADD_RULE = "add-rule"
    UPDATE_RULE = "update-rule"
    ADD_EVENT = "add-event"
    REMOVE_EVENT = "remove-event"
    REMOVE_RULE = "remove-rule"
    SUSPEND_VERSIONING = "suspend-versioning"
    REMOVE_BUCKET = "remove-bucket"


@dataclass(frozen=True, slots=True)
class Change:
    """One property of a rule that is not as desired."""

    what: str
    have: str
    want: str


@dataclass(frozen=True, slots=True)
class Step:
    """One change of one bucket."""

    action: Action
    place: str
    """``alias/bucket``."""
    remote: str = ""
    """``alias/bucket`` of a rule's target."""
    rule: str = ""
    """The rule's ID."""
    changes: tuple[Change, ...] = ()
    arn: str = ""
    """Of an event rule."""
    on: tuple[str, ...] = ()
    """Of an event rule."""
    prefix: str = ""
    suffix: str = ""
    locked: bool = False
    """The bucket is created with object lock."""

    def same(self, other: "Step") -> bool:
        """Whether both do the same to the same thing, by whatever changes."""
        return (self.action, self.place, self.remote, self.arn, self.prefix, self.suffix) == (
            other.action,
            other.place,
            other.remote,
            other.arn,
            other.prefix,
            other.suffix,
        )


@dataclass(frozen=True, slots=True)
class ReplicationPlan:
    """The difference between what is desired and what the servers have."""

    name: str
    steps: tuple[Step, ...] = ()
    conflicts: tuple[Problem, ...] = ()
    """Why it cannot be carried out; nothing is changed then."""
    notes: tuple[str, ...] = ()
    standing: tuple[Step, ...] = ()
    """What is there already, as the steps that would make it."""
    unasked: tuple[Problem, ...] = ()
    """Why a bucket could not be looked at whose part is left out."""


class StepState(StrEnum):
    """What became of a step."""

    DONE = "done"
    """Read back from the server."""
    FAILED = "failed"
    OPEN = "not begun"
    KEPT = "kept"
    """What was to be removed stays, for a reason that is given."""


@dataclass(frozen=True, slots=True)
class StepResult:
    """A step and what became of it."""

    step: Step
    state: StepState
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Application:
    """What carrying out a plan came to."""

    plan: ReplicationPlan
    results: tuple[StepResult, ...] = ()

    @property
    def failed(self) -> StepResult | None:
        """The step at which it ended, if one failed."""
        return next((one for one in self.results if one.state is StepState.FAILED), None)


@dataclass(frozen=True, slots=True)
class Made:
    """One thing that ``apply`` made, or that ``import`` adopted: what ``remove`` may take away."""

    action: Action
    """The step that made it."""
    place: str
    """``alias/bucket``."""
    server: str
    """The address of the alias when it was made."""
    detail: str = ""
    """The ID of a rule; ARN, words, prefix and suffix of events, with tabs between."""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """By which it is found again."""
        return self.action.value, self.place, self.server, self.detail
