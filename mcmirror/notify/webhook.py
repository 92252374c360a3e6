"""Webhooks: pings as healthchecks.io takes them, and documents or texts of one's own, signed."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from mcmirror.codec.documents import encode
from mcmirror.model.delivery import Delivery
from mcmirror.model.record import Record
from mcmirror.model.template import is_json, rendered
from mcmirror.notify.message import Desk, Message, Occasion, message_document, plain, shortened
from mcmirror.notify.webhook_post import post

BODY = 10_000
"""Characters of a ping: what such services keep."""
KEYS = 100
"""Objects named in a document; a report names more."""


class Pings:
    """A check: ``url/start``, ``url`` and ``url/fail``, each with a short body and the run's ``rid``."""

    edits = False

    def __init__(self, url: str) -> None:
        self._url = url

    def deliver(self, delivery: Delivery) -> str:
        """Send it; raises NotTold."""
        ending, body = str(delivery.payload["ending"]), str(delivery.payload["body"])
        headers = {"Content-Type": "text/plain; charset=utf-8", "X-Mcmirror-Delivery": delivery.id}
        address = pinged(self._url, ending, str(delivery.payload["rid"]))
        post(address, shortened(body, BODY), headers, "the webhook was not pinged")
        return ""


def pinged(url: str, ending: str, rid: str = "") -> str:
    """The address with ``ending`` behind its path and ``rid`` in its query."""
    parts = urlsplit(url)
    path = f"{parts.path.rstrip('/')}/{ending}" if ending else parts.path
    query = "&".join(part for part in (parts.query, f"rid={rid}" if rid else "") if part)
    return urlunsplit(parts._replace(path=path, query=query))


class Hook:
    """A POST an occasion: a document, or what a template makes of it."""

    edits = False

    def __init__(self, url: str, template: str = "", secret: str = "", now: Callable[[], float] = time.time) -> None:
        self._url = url
        self._template = template
        self._secret = secret
        self._now = now

    def payload(self, delivery: str, message: Message, desk: Desk, record: Record | None) -> Mapping[str, Any]:
        """What is to be sent; nothing in it depends on when that is."""
        if self._template:
            body = rendered(self._template, _clean(values(delivery, message, desk.service, record), desk.redact))
        else:
            body = json.dumps(_clean(document(delivery, message, desk.service, record), desk.redact))
        kind = "application/json" if not self._template or is_json(self._template) else "text/plain; charset=utf-8"
        return {"body": body, "type": kind, "occasion": message.occasion.value}

    def deliver(self, delivery: Delivery) -> str:
        """Send it; raises NotTold."""
        body, moment = str(delivery.payload["body"]), f"{self._now():.0f}"
        headers = {
            "Content-Type": str(delivery.payload["type"]),
            "X-Mcmirror-Delivery": delivery.id,
            "X-Mcmirror-Occasion": str(delivery.payload["occasion"]),
            "X-Mcmirror-Timestamp": moment,
        }
        if self._secret:
            headers["X-Mcmirror-Signature"] = signature(self._secret, moment, body)
        post(self._url, body, headers, "the webhook was not told")
        return ""


def _clean(value: Any, redact: Callable[[str], str]) -> Any:
    """The same without secrets: text by text, so that what is no text stays what it is."""
    match value:
        case str():
            return redact(value)
        case dict():
            return {name: _clean(item, redact) for name, item in value.items()}
        case list() | tuple():
            return [_clean(item, redact) for item in value]
        case _:
            return value


def signature(secret: str, timestamp: str, body: str) -> str:
    """``sha256=`` and the HMAC of ``timestamp.body``: who knows the secret knows who sent it, and when."""
    return f"sha256={hmac.new(secret.encode(), f'{timestamp}.{body}'.encode(), hashlib.sha256).hexdigest()}"


def document(delivery: str, message: Message, service: str, record: Record | None) -> dict[str, Any]:
    """The occasion in words and in numbers; ``run`` is null where it is about none."""
    run = encode(record) if record else None
    if run and run["report"]:
        report = run["report"]
        for key in ("remaining_keys", "removed_keys", "problems"):
            report[key] = report[key][:KEYS]
    told = message_document(message)
    return {
        "delivery": delivery,
        "occasion": message.occasion.value,
        "service": service,
        "job": message.job,
        "title": message.title,
        "text": plain(message, BODY),
        "facts": dict(told["facts"]),
        "problems": [{"message": what, "cause": why, "remedy": do} for what, why, do in message.problems],
        "run": run,
    }


def values(delivery: str, message: Message, service: str, record: Record | None) -> dict[str, str | float]:
    """A value for each placeholder of a template."""
    report = record.report if record else None
    tally = report.tally if report else None
    what, why, remedy = message.problems[0] if message.problems else ("", "", "")
    if report:
        status = report.status.value
    else:
        status = {Occasion.FAILURE: "failed", Occasion.START: "running"}.get(message.occasion, "")
    return {
        "title": message.title,
        "text": plain(message, BODY),
        "occasion": message.occasion.value,
        "status": status,
        "job": message.job,
        "service": service,
        "source": record.source if record else "",
        "target": record.target if record else "",
        "run": record.id if record else "",
        "cause": record.cause.value if record else "",
        "host": record.host if record else "",
        "started": record.started if record else "",
        "finished": record.finished if record else "",
        "duration_seconds": round(report.seconds, 3) if report else 0,
        "attempts": report.attempts if report else 0,
        "exit_code": int(report.exit_code) if report else 0,
        "copied_objects": tally.done.objects if tally else 0,
        "copied_bytes": tally.done.bytes if tally else 0,
        "removed_objects": tally.removed.objects if tally else 0,
        "kept_objects": tally.kept.objects if tally else 0,
        "remaining_objects": tally.remaining.objects if tally else 0,
        "remaining_bytes": tally.remaining.bytes if tally else 0,
        "problem": what,
        "why": why,
        "remedy": remedy,
        "delivery": delivery,
    }
