"""Slack: one message a run by a bot, kept up to date, or plain posts to an incoming webhook."""

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit

from mcmirror.model.delivery import Delivery
from mcmirror.model.record import Record
from mcmirror.notify.message import Desk, Message, NotTold, Occasion, message_document, message_of, plain, shortened
from mcmirror.notify.post import seconds

TIMEOUT = 5
"""Seconds for one request."""
BLOCKS = 50
SECTION = 3000
HEADER = 150
FALLBACK = 3500
"""Characters of a message without blocks: Slack cuts at 4,000."""
PROBLEMS = 20

_INVITE = "Invite the bot into the channel: type /invite @YourBotName there."
_BAD_KEY = "Use the Bot User OAuth Token (xoxb-...) of the app's OAuth & Permissions page."
_SCOPE = "Add chat:write under OAuth & Permissions, Bot Token Scopes, and reinstall the app."
_CHANNEL = f"Use the channel's ID (C...), from the end of its details. Of a private channel: {_INVITE}"
_REMEDIES = {
    "not_in_channel": _INVITE,
    "channel_not_found": _CHANNEL,
    "is_archived": "Unarchive the channel, or name another one.",
    "channel_is_archived": "Unarchive the channel, or name another one.",
    "invalid_auth": _BAD_KEY,
    "not_authed": _BAD_KEY,
    "account_inactive": _BAD_KEY,
    "token_revoked": _BAD_KEY,
    "token_expired": _BAD_KEY,
    "not_allowed_token_type": _BAD_KEY,
    "missing_scope": _SCOPE,
    "ratelimited": "Too many messages: tell fewer occasions (on = [...]), or run the jobs further apart.",
    "invalid_token": "Copy the webhook's address again from the app's Incoming Webhooks page.",
    "no_service": "Copy the webhook's address again from the app's Incoming Webhooks page.",
    "no_active_hooks": "Make a new webhook on the app's Incoming Webhooks page.",
}
_SHAPE = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"})
"""Slack dislikes how it looks: the text alone will do."""
_GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "channel_not_found"})
"""The message about the start cannot be brought up to date any more."""
_LATER = "It is tried again; see status.slack.com."
_REACH = "Check that this machine reaches the address (proxy: HTTPS_PROXY, firewall, SLACK_API_URL)."
_MARKS = {
    Occasion.START: "▶",
    Occasion.FAILURE: "❌",
    Occasion.RECOVERY: "✅",
    Occasion.CANCELLED: "⏹",
    Occasion.DIGEST: "🗓",
}


_LOADING = threading.Lock()


def _load() -> None:
    """Load the library whole: of two threads that import parts of it at once each may find half of it."""
    with _LOADING:
        import slack_sdk  # noqa: F401  web, webhook, errors and retries come with it


class Slack:
    """A bot in a channel. The start of a run and its end are one message; used from one thread."""

    edits = True

    def __init__(self, token: str, channel: str, api_url: str = "") -> None:
        self._token = token
        self._channel = channel
        self._api_url = api_url or "https://slack.com/api/"
        self._client: Any = None

    def payload(self, delivery: str, message: Message, desk: Desk, record: Record | None) -> Mapping[str, Any]:
        """What is to be sent, as JSON."""
        del delivery, desk, record
        return message_document(message)

    def deliver(self, delivery: Delivery) -> str:
        """Send it; returns where the message about a start stands. Raises NotTold."""
        message = message_of(delivery.payload)
        if message.occasion is Occasion.START:
            answer = self._post(message, delivery.id)
            return f"{answer.get('channel', '')} {answer.get('ts', '')}".strip()
        channel, _, moment = delivery.thread.partition(" ")
        if not moment:
            if message.loud:
                self._post(message, delivery.id)
            return ""
        try:
            self._call("chat.update", message, channel=channel, ts=moment)
        except NotTold as error:
            if error.why.rpartition(" ")[2] not in _GONE:
                raise
            if message.loud:
                self._post(message, delivery.id)
            return ""
        if message.loud and message.occasion in (Occasion.FAILURE, Occasion.RECOVERY):
            # An update rings no bell.
            brief = Message(message.job, message.occasion, message.title)
            self._post(brief, delivery.id, channel=channel, thread_ts=moment, reply_broadcast=True)
        return ""

    def _post(self, message: Message, number: str, **where: Any) -> Any:
        return self._call("chat.postMessage", message, **{"channel": self._channel, **where}, client_msg_id=number)

    def _call(self, method: str, message: Message, **where: Any) -> Any:
        from http.client import HTTPException

        _load()
        from slack_sdk.errors import SlackApiError

        client = self._opened()
        text = fallback(message)
        try:
            try:
                return client.api_call(method, json={**where, "text": text, "blocks": blocks(message)})
            except SlackApiError as error:
                if _code(error) not in _SHAPE:
                    raise
                return client.api_call(method, json={**where, "text": text})
        except SlackApiError as error:
            raise _refused(_code(error), getattr(error.response, "status_code", 0), _wait(error.response)) from None
        except (OSError, ValueError, KeyError, HTTPException) as error:
            raise _unreachable(error, self._api_url) from None

    def _opened(self) -> Any:
        if self._client is None:
            _load()
            from slack_sdk.web import WebClient

            self._client = WebClient(
                self._token,
                base_url=self._api_url,
                timeout=TIMEOUT,
                logger=_silent(),
                retry_handlers=_retries(),
            )
        return self._client


class SlackWebhook:
    """An incoming webhook of Slack: messages can be posted, and not changed."""

    edits = False

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: Any = None

    def payload(self, delivery: str, message: Message, desk: Desk, record: Record | None) -> Mapping[str, Any]:
        """What is to be sent, as JSON."""
        del delivery, desk, record
        return message_document(message)

    def deliver(self, delivery: Delivery) -> str:
        """Send it; raises NotTold."""
        from http.client import HTTPException

        message = message_of(delivery.payload)
        try:
            answer = self._post(text=fallback(message), blocks=blocks(message))
            if answer.status_code == 400 and answer.body.strip() in _SHAPE:
                answer = self._post(text=fallback(message))
        except (OSError, ValueError, HTTPException) as error:
            raise _unreachable(error, self._url) from None
        if answer.status_code != 200:
            code = "ratelimited" if answer.status_code == 429 else answer.body.strip()
            raise _refused(code, answer.status_code, _wait(answer))
        return ""

    def _post(self, **content: Any) -> Any:
        if self._client is None:
            _load()
            from slack_sdk.webhook import WebhookClient

            self._client = WebhookClient(self._url, timeout=TIMEOUT, logger=_silent(), retry_handlers=_retries())
        return self._client.send(**content)


def blocks(message: Message) -> list[dict[str, Any]]:
    """Block Kit: a header, the facts, each problem, and the keys that are named."""
    found: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": shortened(_title(message), HEADER)}}
    ]
    facts = [f"*{_escaped(label, 100)}*  {_escaped(value, 500)}" for label, value in message.facts]
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


def _retries() -> list[Any]:
    """One more try at once for what is often over at once; everything else, and waiting, is the outbox's."""
    from slack_sdk.http_retry.builtin_handlers import ConnectionErrorRetryHandler, ServerErrorRetryHandler

    return [ServerErrorRetryHandler(), ConnectionErrorRetryHandler()]


def _wait(answer: Any) -> float:
    """The seconds that Slack asks for."""
    headers = getattr(answer, "headers", None) or {}
    asked = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    return seconds(str(asked[0] if isinstance(asked, list) and asked else asked))


def _silent() -> logging.Logger:
    """The library logs whole requests; nobody shall read them."""
    logger = logging.Logger("slack")  # noqa: LOG001  not in the tree of loggers, on purpose
    logger.addHandler(logging.NullHandler())
    logger.setLevel(logging.CRITICAL)
    return logger


def _code(error: Any) -> str:
    try:
        return str(error.response.get("error") or "")
    except (AttributeError, TypeError, ValueError):
        return ""


def _refused(code: str, status: int, wait: float = 0.0) -> NotTold:
    word = code if code.replace("_", "").isalnum() else ""
    why = f"Slack answered {word}" if word else "the answer is not one of Slack's"
    why += f" (HTTP {status})" if status not in (0, 200) else ""
    remedy = _REMEDIES.get(word) or (_LATER if status >= 500 else _REACH)
    if word and word not in _REMEDIES and status < 500:
        remedy = "Look that word up at docs.slack.dev under chat.postMessage."
    return NotTold("Slack was not told", why, remedy, wait=wait, final=word in _SHAPE)


def _unreachable(error: Exception, url: str) -> NotTold:
    reason = error.reason if isinstance(error, URLError) else error
    # A ValueError's text may quote the request.
    why = str(reason) if isinstance(reason, OSError) else type(reason).__name__
    if isinstance(reason, TimeoutError):
        why = f"no answer within {TIMEOUT} s"
    return NotTold("Slack was not told", f"{urlsplit(url).hostname}: {why}", _REACH)
