"""Replications as lines of text: plans, and what became of their steps. Pure."""

from collections.abc import Iterable

from mcmirror.messages.text_style import Style
from mcmirror.model.problem import Problem
from mcmirror.model.replication_steps import Action, Application, Made, ReplicationPlan, Step, StepResult, StepState
from mcmirror.model.wording import harmless, three_parts

_MARKS = {
    StepState.DONE: ("✓", "green"),
    StepState.FAILED: ("✗", "red"),
    StepState.OPEN: ("·", "dim"),
    StepState.KEPT: ("•", "yellow"),
}


def step_text(step: Step) -> str:  # noqa: PLR0911  a sentence a kind
    """What a step does."""
    match step.action:
        case Action.CREATE_BUCKET:
            return f"create the bucket {step.place}" + (" with object lock" if step.locked else "")
        case Action.ENABLE_VERSIONING:
            return f"enable versioning on {step.place}"
        case Action.ADD_RULE:
            return f"replicate {step.place} to {step.remote}, by rule {step.rule}"
        case Action.UPDATE_RULE:
            changes = "; ".join(f"{one.what}: {one.have} → {one.want}" for one in step.changes)
            return f"change rule {step.rule} of {step.place}: {changes}"
        case Action.ADD_EVENT:
            return f"send {_events(step)} of {step.place} to {step.arn}"
        case Action.REMOVE_EVENT:
            return f"send {_events(step)} of {step.place} to {step.arn} no more"
        case Action.REMOVE_RULE:
            return f"remove rule {step.rule} of {step.place}"
        case Action.SUSPEND_VERSIONING:
            return f"suspend versioning on {step.place}"
        case Action.REMOVE_BUCKET:
            return f"remove the bucket {step.place} if it is empty"


def _events(step: Step) -> str:
    below = f" below {step.prefix}" if step.prefix else ""
    end = f" that end with {step.suffix}" if step.suffix else ""
    return f"the events {', '.join(step.on)}{below}{end}"


def plan_lines(plan: ReplicationPlan, style: Style) -> list[str]:
    """What is to be done, and why it cannot be if it cannot."""
    lines = [f"{style.paint('+', 'green')} {_plain(step_text(step), style)}" for step in plan.steps]
    for conflict in plan.conflicts:
        lines += problem_lines(conflict, style)
    lines += [f"note: {_plain(note, style)}" for note in plan.notes]
    return [*lines, _plan_end(plan, style)]


def _plan_end(plan: ReplicationPlan, style: Style) -> str:
    if plan.conflicts:
        number = len(plan.conflicts)
        what = (
            f"{number} {'conflict' if number == 1 else 'conflicts'}: nothing can be changed until {_it(number)} solved"
        )
        return style.paint(f"{plan.name}: {what}.", "red")
    if not plan.steps:
        return style.paint(f"{plan.name}: the servers are as the configuration says; nothing to do.", "green")
    number = len(plan.steps)
    return f"{plan.name}: {number} {'step' if number == 1 else 'steps'} to do: mcmirror replicate apply {plan.name}"


def _it(number: int) -> str:
    return "it is" if number == 1 else "they are"


def result_lines(result: StepResult, style: Style) -> list[str]:
    """One step and what became of it."""
    mark, colour = _MARKS[result.state]
    note = f" ({result.state.value})" if result.state is not StepState.DONE else ""
    head = f"{style.paint(style.mark(mark), colour)} {_plain(step_text(result.step), style)}{note}"
    return [head, *problem_lines(result.problem, style)] if result.problem else [head]


def application_end(application: Application, style: Style, *, verb: str = "apply") -> list[str]:
    """The last lines of ``apply`` and ``remove``: the steps that were not begun, and what stands."""
    lines = [line for one in application.results if one.state is StepState.OPEN for line in result_lines(one, style)]
    name, failed = application.plan.name, application.failed
    if failed is None:
        return lines
    done = sum(one.state is StepState.DONE for one in application.results)
    stands = f"what was done before it stands ({done})" if done else "nothing was changed before it"
    text = f"{name}: a step failed; {stands}. When its cause is gone, go on: mcmirror replicate {verb} {name}"
    return [*lines, style.paint(text, "red")]


def removal_lines(done: Application, style: Style) -> list[str]:
    """What ``remove`` says after its steps."""
    plan = done.plan
    lines = [f"note: {_plain(note, style)}" for note in plan.notes]
    lines += [
        f"note: the bucket {one.step.place} stays: there is something in it."
        for one in done.results
        if one.state is StepState.KEPT
    ]
    lines += lines_of(plan.unasked, style)
    if plan.unasked:
        lines.append(f"{plan.name}: what was made there stands; remove again when it can be asked.")
    elif not done.results:
        lines.append(f"{plan.name}: nothing is left of what mcmirror made or adopted; nothing to do.")
    return [*lines, *application_end(done, style, verb="remove")]


def adoption_lines(name: str, made: Iterable[Made], style: Style) -> list[str]:
    """What ``import`` took over."""
    lines = [f"{style.paint(style.mark('✓'), 'green')} {_plain(_adopted(one), style)}" for one in made]
    return lines or [f"{name}: nothing to adopt: there is no rule of somebody else for these buckets."]


def _adopted(made: Made) -> str:
    if made.action is Action.ADD_RULE:
        return f"rule {made.detail} of {made.place} is managed by mcmirror now"
    arn, words, *_ = made.detail.split("\t")
    return f"the events {words} of {made.place} to {arn} are managed by mcmirror now"


def problem_lines(found: Problem, style: Style) -> list[str]:
    """What, why and what to do."""
    what, why, remedy = three_parts(found)
    return [
        f"{style.paint(style.mark('✗'), 'red')} {_plain(what, style)}",
        f"    why: {_plain(why, style)}",
        f"    do:  {_plain(remedy, style)}",
    ]


def lines_of(problems: Iterable[Problem], style: Style) -> list[str]:
    """Several problems."""
    return [line for found in problems for line in problem_lines(found, style)]


def _plain(text: str, style: Style) -> str:
    return harmless(style.plain(text))
