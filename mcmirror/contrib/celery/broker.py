"""The way over a broker: Celery's queue of each site, a mailbox of each process. The one door to celery and kombu."""

import logging
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from mcmirror.messages.error_lookup import problem
from mcmirror.model.problem import Category, Trouble

EXTRA = "mcmirror[celery]"
TASK = "mcmirror.task"
"""The name of Celery's task; its one argument is a sealed message."""
LIFE = 600.0
"""Seconds without anybody after which the broker forgets a mailbox."""
AGENT = "mcmirror-agent"
"""The header that says by whose key a message is sealed."""
PAUSE = 1.0
"""Seconds until a connection that broke is tried again, and between two looks at whether to stop."""
PATIENCE = 5
"""Seconds for a broker that does not answer."""

LONGEST = 200
"""Characters of what a library says of a broker."""

Take = Callable[[str, bytes], None]
"""Takes a message: the agent by whose key it is sealed, and its bytes."""


def site(agent: str) -> str:
    """The queue of an agent's site."""
    return f"mcmirror.{agent}"


def application(url: str) -> Any:
    """A Celery application by mcmirror's rules: tasks last for hours, and leases say who owns them, not the broker.

    Raises Trouble when Celery is not installed.
    """
    try:
        from celery import Celery
        from kombu.entity import Queue
    except ImportError:
        cause = 'executor = "celery" needs Celery, and it is not installed'
        remedy = f"Install it: pip install '{EXTRA}'. From a checkout, bin/mcmirror installs it itself."
        raise Trouble(problem(Category.SYSTEM, "the broker cannot be used", cause, remedy=remedy)) from None
    parts = urlsplit(url)
    address = url.partition("?")[0] if parts.scheme == "amqps" else url
    application = Celery("mcmirror", broker=address, set_as_current=False, fixups=[])
    options: dict[str, Any] = {"socket_timeout": 30, "socket_connect_timeout": PATIENCE, "socket_keepalive": True}
    application.conf.update(
        accept_content=["json"],
        task_serializer="json",
        task_ignore_result=True,
        # The broker delivers a task that is not acknowledged again; one that runs for hours must not be.
        task_acks_late=False,
        task_create_missing_queues=True,
        task_default_queue=site("none"),
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_timeout=PATIENCE,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_heartbeat=20,
    )
    if parts.scheme.startswith("redis"):
        application.conf.broker_transport_options = options
    # Without these a broker's certificate is not looked at.
    authority = dict(parse_qsl(parts.query)).get("ssl_ca_certs")
    if parts.scheme == "rediss":
        verified = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True}
        application.conf.broker_use_ssl = verified | ({"ssl_ca_certs": authority} if authority else {})
    elif parts.scheme == "amqps":
        paths = ssl.get_default_verify_paths()
        found = authority or paths.cafile or paths.openssl_cafile
        application.conf.broker_use_ssl = {
            "cert_reqs": ssl.CERT_REQUIRED,
            "ca_certs": found,
            "server_hostname": parts.hostname,
        }
    application.finalize()
    queue: Any = Queue
    application.mailbox = lambda name: queue(
        name, routing_key=name, durable=True, queue_arguments={"x-expires": int(LIFE * 1000)}
    )
    application.site = lambda name: queue(site(name), routing_key=site(name), durable=True)
    return application


class Sender:
    """Sends to queues. Thread-safe; a broker that cannot be reached is a ConnectionError."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._lock = threading.Lock()
        self._connection: Any = None
        self._producer: Any = None

    def task(self, agent: str, sealed: bytes) -> None:
        """Send a task to the site of an agent."""
        queue = self._application.site(agent)

        def send(producer: Any) -> None:
            self._application.send_task(
                TASK, args=[sealed.decode()], producer=producer, queue=queue, retry=False, ignore_result=True
            )

        self._do(send)

    def message(self, address: str, agent: str, sealed: bytes) -> None:
        """Send a message to a mailbox."""
        queue = self._application.mailbox(address)

        def send(producer: Any) -> None:
            producer.publish(
                sealed.decode(),
                routing_key=address,
                declare=[queue],
                headers={AGENT: agent},
                content_type="text/plain",
                content_encoding="utf-8",
                delivery_mode=1,
            )

        self._do(send)

    def _do(self, send: Callable[[Any], None]) -> None:
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._application.connection_for_write()
                    self._connection.ensure_connection(max_retries=1, interval_start=0.1, timeout=PATIENCE)
                    self._producer = self._application.amqp.Producer(self._connection, auto_declare=False)
                send(self._producer)
            except Exception as error:  # noqa: BLE001  each broker has its own
                self._drop()
                raise ConnectionError(f"the broker was not reached: {str(error)[:LONGEST]}") from None

    def _drop(self) -> None:
        if self._connection is not None:
            with suppress(Exception):
                self._connection.close()
            self._connection = self._producer = None

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock:
            self._drop()


class Mailbox:
    """Receives the messages to one address in a thread of its own, and connects again when that breaks."""

    def __init__(self, application: Any, address: str, take: Take) -> None:
        self._application, self._address, self._take = application, address, take
        self._stop = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._work, name="mailbox", daemon=True)

    def start(self) -> None:
        """Begin; returns when it receives, or after a few seconds."""
        self._thread.start()
        self._ready.wait(PATIENCE)

    def stop(self) -> None:
        """End."""
        self._stop.set()
        self._thread.join(PATIENCE)

    def _work(self) -> None:
        warned = False
        while not self._stop.is_set():
            try:
                self._receive()
                warned = False
            except Exception as error:  # noqa: BLE001  each broker has its own; it is tried again
                if not warned:
                    warned = True
                    text = "the broker was lost (%s); connecting again"
                    logging.getLogger(__name__).warning(text, type(error).__name__)
                self._ready.clear()
                self._stop.wait(PAUSE)

    def _receive(self) -> None:
        queue = self._application.mailbox(self._address)
        with self._application.connection_for_read() as connection:
            connection.ensure_connection(max_retries=1, timeout=PATIENCE)
            with connection.Consumer([queue], on_message=self._on_message, accept=["text/plain"], no_ack=True):
                self._ready.set()
                beaten = time.monotonic()
                while not self._stop.is_set():
                    with suppress(TimeoutError):
                        connection.drain_events(timeout=PAUSE)
                    if connection.supports_heartbeats and time.monotonic() - beaten > PAUSE:
                        beaten = time.monotonic()
                        connection.heartbeat_check()
            queue(connection.default_channel).delete()

    def _on_message(self, message: Any) -> None:
        agent, body = message.headers.get(AGENT, ""), message.body
        sealed = body if isinstance(body, bytes) else str(body).encode()
        try:
            self._take(str(agent), sealed)
        except Exception:
            logging.getLogger(__name__).exception("a message was not dealt with")


def run_worker(application: Any, agent: str, name: str, capacity: int, handle: Callable[[bytes], object]) -> Any:
    """A Celery worker of an agent's site, not started yet: threads call ``handle`` with what is sealed."""

    @application.task(name=TASK, ignore_result=True, shared=False)  # type: ignore[untyped-decorator]
    def take(sealed: str) -> None:
        handle(sealed.encode())

    # The threads of the pool look for the task in the application that is everybody's default.
    application.set_default()
    application.amqp.queues.select_add(application.site(agent))
    application.amqp.queues.select([site(agent)])
    return application.WorkController(
        pool="threads",
        concurrency=capacity,
        hostname=f"{agent}@{name}",
        queues=[site(agent)],
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        loglevel=logging.WARNING,
    )


def stop_worker(worker: Any) -> None:
    """Have a worker take nothing more; it ends when what it does has ended."""
    from celery.worker import state

    state.should_stop = 0
    del worker
