"""A body made of a text with placeholders, ``{"text": "{title}"}``: names in braces, and nothing that can be called."""

import json
import re
from collections.abc import Mapping

FIELDS = (
    "title",
    "text",
    "occasion",
    "status",
    "job",
    "service",
    "source",
    "target",
    "run",
    "cause",
    "host",
    "started",
    "finished",
    "duration_seconds",
    "attempts",
    "exit_code",
    "copied_objects",
    "copied_bytes",
    "removed_objects",
    "kept_objects",
    "remaining_objects",
    "remaining_bytes",
    "problem",
    "why",
    "remedy",
    "delivery",
)
"""Every placeholder there is. A number is 0, and a text empty, where there is none."""
EXAMPLE: Mapping[str, str | float] = {
    name: 0 if name.endswith(("_objects", "_bytes", "_seconds", "attempts", "exit_code")) else "text" for name in FIELDS
}
"""Values of the right kinds."""
_PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)\}")


def placeholders(template: str) -> tuple[str, ...]:
    """The names in braces, each once, in their order."""
    return tuple(dict.fromkeys(_PLACEHOLDER.findall(template)))


def is_json(template: str) -> bool:
    """Whether the body is meant to be JSON; no JSON begins with a placeholder's brace."""
    text = template.lstrip()
    return text.startswith(("{", "[")) and not _PLACEHOLDER.match(text)


def rendered(template: str, values: Mapping[str, str | float]) -> str:
    """The body; what stands in JSON is escaped for it. KeyError for a name that has no value."""

    def value(found: re.Match[str]) -> str:
        text = values[found[1]]
        if isinstance(text, str) and is_json(template):
            return json.dumps(text, ensure_ascii=False)[1:-1]
        return str(text)

    return _PLACEHOLDER.sub(value, template)
