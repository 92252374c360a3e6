"""The sentence for each event of a run."""

from mcmirror.messages.plan import plan_text
from mcmirror.messages.verdict import RUN, verdict
from mcmirror.model import event as events
from mcmirror.model.event import Event, Phase
from mcmirror.model.wording import harmless, objects, printable, shown_bytes, shown_count, shown_seconds

PHASES = {
    Phase.PREFLIGHT: "checking",
    Phase.PLAN: "listing",
    Phase.GUARD: "guarding",
    Phase.MIRROR: "copying",
    Phase.VERIFY: "verifying",
    Phase.REMOVE: "removing",
    Phase.CLEAN: "cleaning",
}
"""What a phase does, in one word."""


def event_text(event: Event, verb: str = RUN, attempts: int = 0) -> str:  # noqa: C901, PLR0911, PLR0912  a case an event
    """The sentence, on one line and without the job's name. ``attempts`` is the job's limit; 0 if unknown."""
    match event:
        case events.Waiting(agent=agent) if agent:
            return f"no process of agent {agent} has taken the run yet; waiting for one"
        case events.Waiting():
            return f"another run writes to {harmless(event.target)}; waiting until it has ended"
        case events.RunStarted():
            return f"{harmless(event.source)} → {harmless(event.target)}{', dry run' if event.dry_run else ''}"
        case events.PhaseStarted():
            return PHASES[event.phase]
        case events.Listed():
            return listed_text(event.source_objects, event.target_objects)
        case events.TargetCreated():
            return f"the bucket {harmless(event.bucket)} was missing, and was made"
        case events.Planned():
            return plan_text(event.plan, verb)
        case events.CopyStarted():
            return f"copying {printable(event.key)}, {shown_bytes(event.size)}"
        case events.Moved():
            return f"{shown_bytes(max(0, event.bytes))} moved"
        case events.Removed():
            return f"removed {printable(event.key)}"
        case events.ProblemFound():
            return harmless(event.problem.message.strip())
        case events.Noted():
            return harmless(event.text)
        case events.Retrying():
            what = f"trying {objects(event.remaining)} again" if event.remaining else "trying again"
            attempt = f"attempt {event.attempt}{f'/{attempts}' if attempts else ''}"
            return f"{what} in {shown_seconds(event.delay)} ({attempt})"
        case events.Verified():
            missing = f", {objects(event.remaining.objects)} missing" if event.remaining.objects else ""
            return f"seen on the target: {shown_count(event.done)}{missing}"
        case events.StillMissing():
            return f"{printable(event.key)}: {harmless(event.reason)}"
        case events.Vanished():
            return f"{printable(event.key)}: gone from the source"
        case events.McSaid():
            return f"mc: {harmless(event.text)}"
        case events.RunFinished():
            return verdict(event.report, verb).text


def listed_text(source: int, target: int) -> str:
    """How many objects the listings have shown until now."""
    return f"{objects(source)} at the source, {target:,} on the target listed"
