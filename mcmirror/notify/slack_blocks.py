"""A message as Slack Block Kit, and as text for clients that cannot show blocks."""

from collections.abc import Iterable, Iterator
from typing import Any

from mcmirror.notify.message import Message, Occasion, plain, shortened

BLOCKS = 50
SECTION = 3000
HEADER = 150
FALLBACK = 3500
"""Characters of a message without blocks: Slack cuts at 4,000."""
PROBLEMS = 20

_MARKS = {
    Occasion.START: "▶",
    Occasion.FAILURE: "❌",
    Occasion.RECOVERY: "✅",
    Occasion.CANCELLED: "⏹",
    Occasion.DIGEST: "🗓",
}


def blocks(message: Message) -> list[dict[str, Any]]:
    """Block Kit: a header, the facts, each problem, and the keys that are named."""
    found: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": shortened(_title(message), HEADER)}}
    ]
    facts = [f"*{_escaped(label, 100)}*  {_dated(_escaped(value, 500), message)}" for label, value in message.facts]
    found += [_section(text) for text in _portions(facts)]
    for what, why, remedy in message.problems[:PROBLEMS]:
        parts = (("Problem", what), ("Why", why), ("Do", remedy))
        # A third each, so that none pushes another out.
        found.append(_section("\n".join(f"*{name}*  {_escaped(text, 950)}" for name, text in parts if text)))
    if len(message.problems) > PROBLEMS:
        found.append(_section(f"and {len(message.problems) - PROBLEMS:,} problems more"))
    for head, keys, more in message.lists:
        lines = [f"• {_code_span(key)}" for key in keys]
        lines += [f"and {more:,} more"] if more else []
        found.append(_section("\n".join((f"*{head}*", *lines))))
    return found[:BLOCKS]


def _dated(value: str, message: Message) -> str:
    """Slack shows times by the clock of each reader; where it cannot, as they were written."""
    # The longest first, for one may begin like another. No pattern: re would keep 512 that are never asked for again.
    return _clocked(value, sorted(dict(message.moments).items(), key=lambda moment: -len(moment[0])))


def _clocked(value: str, moments: list[tuple[str, int]]) -> str:
    if not moments:
        return value
    (text, seconds), *others = moments
    shown = f"<!date^{seconds}^{{date_num}} {{time}}|{text}>"
    # What is put in holds the text again, so that only what lies between is looked at further.
    return shown.join(_clocked(part, others) for part in value.split(text))


def _portions(lines: Iterable[str]) -> Iterator[str]:
    """The lines in as few texts as a section's limit allows."""
    portion = ""
    for line in lines:
        if portion and len(portion) + 1 + len(line) > SECTION:
            yield portion
            portion = ""
        portion = f"{portion}\n{line}" if portion else line
    if portion:
        yield portion


def fallback(message: Message) -> str:
    """The same in one text, for notifications and where blocks cannot be shown."""
    mark = _title(message).removesuffix(message.title)
    return mark + _escaped(plain(message, FALLBACK), FALLBACK)


def _title(message: Message) -> str:
    mark = _MARKS.get(message.occasion, "✅")
    return f"{mark} {message.title}"


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": shortened(text, SECTION), "verbatim": True}}


def _escaped(text: str, limit: int = SECTION) -> str:
    """Slack's three entities; cut to ``limit`` characters between two of them."""
    whole = [{"&": "&amp;", "<": "&lt;", ">": "&gt;"}.get(one, one) for one in text]
    if sum(map(len, whole)) <= limit:
        return "".join(whole)
    kept, left = list[str](), limit - 1
    for one in whole:
        left -= len(one)
        if left < 0:
            break
        kept.append(one)
    return "".join(kept) + "…"


def _code_span(key: str) -> str:
    # No escape exists for the mark of code itself.
    text = _escaped(key.replace("`", "'"), 250)
    return f"`{text}`"
