"""Slack: one message a run by a bot, kept up to date, or plain posts to an incoming webhook."""

import logging
import threading
from collections.abc import Mapping
from io import BytesIO
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from mcmirror.model.delivery import Delivery
from mcmirror.model.record import Record
from mcmirror.notify.http_request import Limit, opener
from mcmirror.notify.message import Desk, Message, NotTold, Occasion, message_document, message_of
from mcmirror.notify.slack_blocks import blocks, fallback
from mcmirror.notify.webhook_post import seconds

ANSWER = 1 << 20
"""Bytes of an answer that are read."""

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
_DUPLICATE = frozenset({"duplicate_message_not_found", "duplicate_channel_not_found"})
"""Slack knows the delivery, and not the message that it became: it is posted without its number."""
_LATER = "It is tried again; see status.slack.com."
_REACH = "Check that this machine reaches the address (proxy: HTTPS_PROXY, firewall, SLACK_API_URL)."
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

    def payload(self, delivery: str, message: Message, desk: Desk, record: Record | None) -> Mapping[str, Any]:
        """What is to be sent, as JSON."""
        del delivery, desk, record
        return message_document(message)

    def deliver(self, delivery: Delivery) -> str:
        """Send it; returns where the message about a start stands. Raises NotTold."""
        message = message_of(delivery.payload)
        limit = Limit()
        if message.occasion is Occasion.START:
            answer = self._post(limit, message, delivery.id)
            return f"{answer.get('channel', '')} {answer.get('ts', '')}".strip()
        channel, _, moment = delivery.thread.partition(" ")
        if not moment:
            if message.loud:
                self._post(limit, message, delivery.id)
            return ""
        try:
            self._call(limit, "chat.update", message, channel=channel, ts=moment)
        except NotTold as error:
            if error.why.rpartition(" ")[2] not in _GONE:
                raise
            if message.loud:
                self._post(limit, message, delivery.id)
            return ""
        if message.loud and message.occasion in (Occasion.FAILURE, Occasion.RECOVERY):
            # An update rings no bell.
            brief = Message(message.job, message.occasion, message.title)
            self._post(limit, brief, delivery.id, channel=channel, thread_ts=moment, reply_broadcast=True)
        return ""

    def _post(self, limit: Limit, message: Message, number: str, **where: Any) -> Any:
        where = {"channel": self._channel, **where}
        return self._call(limit, "chat.postMessage", message, **where, client_msg_id=number)

    def _call(self, limit: Limit, method: str, message: Message, **where: Any) -> Any:
        from http.client import HTTPException

        _load()
        from slack_sdk.errors import SlackApiError

        client = self._client(limit)
        text = fallback(message)
        try:
            try:
                return client.api_call(method, json={**where, "text": text, "blocks": blocks(message)})
            except SlackApiError as error:
                shown = {} if _code(error) in _SHAPE else {"blocks": blocks(message)}
                if _code(error) in _DUPLICATE:
                    where.pop("client_msg_id", None)
                elif shown:
                    raise
                return client.api_call(method, json={**where, "text": text, **shown})
        except SlackApiError as error:
            raise _refused(_code(error), getattr(error.response, "status_code", 0), _wait(error.response)) from None
        except (OSError, ValueError, KeyError, HTTPException) as error:
            raise _unreachable(error, self._api_url, limit) from None

    def _client(self, limit: Limit) -> Any:
        from slack_sdk.web import WebClient

        class Client(WebClient):
            """One whose requests end in time, and go to no other address."""

            def _perform_urllib_http_request_internal(self, url: str, req: Any) -> dict[str, Any]:
                del url
                return _answered(req, limit, self.proxy)

        return Client(self._token, base_url=self._api_url, logger=_silent(), retry_handlers=_retries())


class SlackWebhook:
    """An incoming webhook of Slack: messages can be posted, and not changed."""

    edits = False

    def __init__(self, url: str) -> None:
        self._url = url

    def payload(self, delivery: str, message: Message, desk: Desk, record: Record | None) -> Mapping[str, Any]:
        """What is to be sent, as JSON."""
        del delivery, desk, record
        return message_document(message)

    def deliver(self, delivery: Delivery) -> str:
        """Send it; raises NotTold."""
        from http.client import HTTPException

        message = message_of(delivery.payload)
        limit = Limit()
        client = self._client(limit)
        try:
            answer = client.send(text=fallback(message), blocks=blocks(message))
            if answer.status_code == 400 and answer.body.strip() in _SHAPE:
                answer = client.send(text=fallback(message))
        except (OSError, ValueError, HTTPException) as error:
            raise _unreachable(error, self._url, limit) from None
        if answer.status_code != 200:
            code = "ratelimited" if answer.status_code == 429 else answer.body.strip()
            raise _refused(code, answer.status_code, _wait(answer))
        return ""

    def _client(self, limit: Limit) -> Any:
        _load()
        from slack_sdk.webhook import WebhookClient, WebhookResponse

        class Client(WebhookClient):
            """One whose requests end in time, and go to no other address."""

            def _perform_http_request_internal(self, url: str, req: Any) -> WebhookResponse:
                answer = _answered(req, limit, self.proxy)
                return WebhookResponse(
                    url=url, status_code=answer["status"], body=answer["body"], headers=answer["headers"]
                )

        return Client(self._url, logger=_silent(), retry_handlers=_retries())


def _answered(request: Any, limit: Limit, proxy: str | None) -> dict[str, Any]:
    """Status, headers and text of an answer, as the library has them; raises HTTPError with all that is read of it."""
    from urllib.request import ProxyHandler

    # The library takes one proxy from the environment, for all addresses.
    through = (ProxyHandler({"http": proxy, "https": proxy}),) if proxy else ()
    try:
        with opener(limit, *through).open(request) as answer:
            text = answer.read(ANSWER).decode(answer.headers.get_content_charset() or "utf-8")
            return {"status": answer.status, "headers": answer.headers, "body": text}
    except HTTPError as error:
        with error:
            body = error.read(ANSWER)
        raise HTTPError(error.url, error.code, error.msg, error.headers, BytesIO(body)) from None


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


def _unreachable(error: Exception, url: str, limit: Limit) -> NotTold:
    reason = error.reason if isinstance(error, URLError) else error
    # A ValueError's text may quote the request.
    why = str(reason) if isinstance(reason, OSError) else type(reason).__name__
    if isinstance(reason, TimeoutError):
        why = str(limit)
    return NotTold("Slack was not told", f"{urlsplit(url).hostname}: {why}", _REACH)
