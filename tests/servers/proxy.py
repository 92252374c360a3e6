"""A proxy in front of a server that breaks what it is told to break, request by request.

One connection carries one request. The Host header goes through untouched, so a client that signs for the proxy's
address is understood by the server behind it.
"""

import asyncio
import contextlib
import re
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

BLOCK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks."""

    method: str
    path: str
    """Decoded: ``/bucket/key``."""
    query: dict[str, list[str]]
    tagged: bool = False
    """Whether it gives what it stores tags, by a header."""

    @property
    def kind(self) -> str:  # noqa: PLR0911  a case a kind
        """The S3 word for it; ``list-next`` is a page of a listing after the first."""
        if self.method == "GET" and "list-type" in self.query:
            return "list-next" if "continuation-token" in self.query else "list"
        if self.method == "GET" and "location" in self.query:
            return "location"
        if "tagging" in self.query:
            return "tagging" if self.method == "GET" else "tagging-put"
        if "uploads" in self.query:
            return "upload" if self.method == "POST" else "uploads"
        if "uploadId" in self.query:
            return {"PUT": "part", "POST": "complete", "DELETE": "abort"}.get(self.method, "parts")
        if self.method == "POST" and "delete" in self.query:
            return "delete"
        return "put-tagged" if self.method == "PUT" and self.tagged else self.method.lower()


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer without asking the server."""

    status: int
    body: bytes = b""
    content_type: str = "application/xml"


@dataclass(frozen=True, slots=True)
class Reset:
    """Break the connection with a TCP reset."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Break the connection after so many bytes of the response's body."""

    after: int


@dataclass(frozen=True, slots=True)
class CutUpload:
    """Break the connection after so many bytes of the request's body have reached the server."""

    after: int


@dataclass(frozen=True, slots=True)
class Hang:
    """Read the request and never answer it."""


@dataclass(frozen=True, slots=True)
class Delay:
    """Wait so many seconds, then pass the request on."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Call:
    """Call this first, then pass the request on (which waits for it)."""

    function: Callable[[], object]


@dataclass(frozen=True, slots=True)
class CallAfter:
    """Pass the request on, call this once the server has answered, and then pass the answer on."""

    function: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Alter:
    """Pass on what the function makes of the server's answer."""

    function: Callable[[bytes], bytes]


Action = Answer | Reset | Cut | CutUpload | Hang | Delay | Call | CallAfter | Alter


def s3_error(status: int, code: str, message: str = "made by the test") -> Answer:
    """An error as S3 servers word it."""
    text = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Answer(status, text.encode())


DENIED = s3_error(403, "AccessDenied")
BROKEN = s3_error(500, "InternalError")
SLOW_DOWN = s3_error(503, "SlowDown")
EMPTY = Answer(200)
HTML = Answer(200, b"<html><body><h1>Welcome to the guest network</h1></body></html>", "text/html")


@dataclass
class _Rule:
    action: Action
    kind: str
    path: re.Pattern[str]
    first: int
    times: int | None
    seen: int = 0

    def applies(self, request: Request) -> bool:
        if (self.kind and request.kind != self.kind) or not self.path.search(request.path):
            return False
        self.seen += 1
        return self.seen >= self.first and (self.times is None or self.seen < self.first + self.times)


@dataclass
class Proxy:
    """``with Proxy(server.port) as proxy: proxy.on("list-next", DENIED)``."""

    upstream: int
    """The server's port on 127.0.0.1."""
    delay: float = 0.0
    """Seconds before each request is passed on."""
    folds: bool = False
    """Whether a backslash in a path or a query reaches the server as a slash; no signed request survives that."""
    port: int = 0
    requests: list[Request] = field(default_factory=list)
    """All that came, in their order."""

    def __post_init__(self) -> None:
        self._rules: list[_Rule] = []
        self._guard = threading.Lock()

    def on(self, kind: str, action: Action, *, path: str = "", first: int = 1, times: int | None = None) -> None:
        """Do this to requests of a kind (``""``: any) whose path matches a regular expression.

        From the ``first`` such request on, so many ``times`` (None: always). Of several rules the oldest wins.
        """
        with self._guard:
            self._rules.append(_Rule(action, kind, re.compile(path), first, times))

    def clear(self) -> None:
        """Break nothing any more."""
        with self._guard:
            self._rules.clear()
            self.delay = 0.0

    @property
    def counts(self) -> Counter[str]:
        """How many requests of each kind came."""
        with self._guard:
            return Counter(request.kind for request in self.requests)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def __enter__(self) -> Self:
        listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = listener.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._stopped = asyncio.Event()
        self._thread = threading.Thread(target=self._run, args=(listener,), name="fault-proxy", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()

    def _run(self, listener: socket.socket) -> None:
        async def serve() -> None:
            server = await asyncio.start_server(self._connection, sock=listener, limit=BLOCK)
            await self._stopped.wait()
            server.close()
            await asyncio.sleep(0)
            connections = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in connections:
                task.cancel()
            await asyncio.gather(*connections, return_exceptions=True)
            # What was aborted is closed by the loop's next turn.
            await asyncio.sleep(0)

        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(serve())

    def _judge(self, request: Request) -> Action | None:
        with self._guard:
            self.requests.append(request)
            applying = [rule for rule in self._rules if rule.applies(request)]
            return applying[0].action if applying else None

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        broken = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)
        with contextlib.suppress(*broken, asyncio.CancelledError):
            head = await reader.readuntil(b"\r\n\r\n")
            await self._exchange(head, reader, writer)
            writer.close()
            await writer.wait_closed()
        writer.transport.abort()

    async def _exchange(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.folds:
            asked, line, rest = head.partition(b"\r\n")
            head = asked.replace(b"%5C", b"%2F") + line + rest
        action = self._judge(_request(head))
        if self.delay:
            await asyncio.sleep(self.delay)
        match action:
            case Answer():
                await _answer(action, head, reader, writer)
                return
            case Reset():
                _reset(writer)
                return
            case Hang():
                await self._stopped.wait()  # one that nobody else holds would be collected, and the task with it
                return
            case Delay(seconds):
                await asyncio.sleep(seconds)
            case Call(function):
                await asyncio.to_thread(function)
            case _:
                pass
        await self._forward(action, head, reader, writer)

    async def _forward(
        self, action: Action | None, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        below, above = await asyncio.open_connection("127.0.0.1", self.upstream, limit=BLOCK)
        above.write(_closing(_plain(head) if isinstance(action, Alter) else head))
        upload = asyncio.create_task(_pump(reader, above, action.after if isinstance(action, CutUpload) else None))
        download = asyncio.create_task(_download(action, below, writer))
        try:
            # The upload ends first only when the client has gone, or was cut off.
            await asyncio.wait({upload, download}, return_when=asyncio.FIRST_COMPLETED)
            if isinstance(action, CutUpload | Cut):
                _reset(writer)
        finally:
            upload.cancel()
            download.cancel()
            # No close: nothing is left to be said, and the loop may end before a polite end has come.
            above.transport.abort()
            await asyncio.gather(upload, download, return_exceptions=True)


async def _download(action: Action | None, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    answer = _closing(await _final_head(reader, writer))
    if isinstance(action, CallAfter):
        await asyncio.to_thread(action.function)
    if isinstance(action, Alter):
        body = action.function(_body(answer, await reader.read()))
        writer.write(_without(answer, "content-length", "transfer-encoding") + body)
        await writer.drain()
        return
    writer.write(answer)
    await _pump(reader, writer, action.after if isinstance(action, Cut) else None)


async def _final_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """The response's head; an interim one, ``100 Continue``, is passed on at once."""
    while (head := await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1].startswith(b"1"):
        writer.write(head)
        await writer.drain()
    return head


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limit: int | None) -> None:
    """Pass bytes on until their end, or until ``limit`` of them."""
    passed = 0
    while block := await reader.read(BLOCK if limit is None else min(BLOCK, max(0, limit - passed))):
        passed += len(block)
        writer.write(block)
        await writer.drain()


async def _answer(answer: Answer, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    # A client that is still sending its body when the connection closes would see a reset instead of the answer.
    length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
    with contextlib.suppress(asyncio.IncompleteReadError, OSError):
        for _ in range(0, int(length[1]) if length else 0, BLOCK):
            if not await reader.read(BLOCK):
                break
    fields = {
        "Content-Type": answer.content_type,
        "Content-Length": len(answer.body),
        "Date": time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime()),
        "Connection": "close",
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    writer.write(f"HTTP/1.1 {answer.status} Made\r\n{lines}\r\n".encode())
    if not head.startswith(b"HEAD "):
        writer.write(answer.body)
    await writer.drain()


def _request(head: bytes) -> Request:
    method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
    parts, tagged = urlsplit(target), b"\r\nx-amz-tagging:" in head.lower()
    return Request(method, unquote(parts.path), parse_qs(parts.query, keep_blank_values=True), tagged)


def _plain(head: bytes) -> bytes:
    """The same head, for an answer that is not compressed."""
    return _without(head, "accept-encoding")


def _without(head: bytes, *names: str) -> bytes:
    return re.sub(rb"\r\n(?:%s):[^\r]*" % "|".join(names).encode(), b"", head, flags=re.IGNORECASE)


def _body(head: bytes, sent: bytes) -> bytes:
    """What was sent, whole: chunks put together."""
    if b"transfer-encoding: chunked" not in head.lower():
        return sent
    body, rest = b"", sent
    while size := int(rest.partition(b"\r\n")[0], 16):
        chunk = rest.partition(b"\r\n")[2]
        body, rest = body + chunk[:size], chunk[size + 2 :]
    return body


def _closing(head: bytes) -> bytes:
    """The same head, for a connection that ends with this exchange."""
    return re.sub(rb"\r\nconnection:[^\r]*", b"", head[:-2], flags=re.IGNORECASE) + b"Connection: close\r\n\r\n"


def _reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@contextlib.contextmanager
def unaccepting() -> Iterator[int]:
    """A port that is open and whose queue is full: a connection is neither made nor refused."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(8):
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@contextlib.contextmanager
def silent() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        yield listener.getsockname()[1]
