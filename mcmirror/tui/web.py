"""The dashboard in a browser: `mcmirror tui --web`. Each tab is a dashboard of its own, in a process of its own."""

from __future__ import annotations

import re
import sys
from copy import copy
from hmac import compare_digest
from ipaddress import ip_address
from secrets import token_urlsafe
from socket import gethostname
from typing import TYPE_CHECKING, Any

from mcmirror.model.listen import LOOPBACK, Address, address, reachable
from mcmirror.model.problem import Category, Problem, Trouble

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

POLICY = "default-src 'self' 'unsafe-inline' data:; connect-src 'self' ws: wss:; frame-ancestors 'none'"
"""No page is framed, and nothing is fetched from anywhere else: not even a font."""
FOREIGN = (
    "This dashboard answers only pages of its own address. Ask for it by an address or the name of this machine, "
    "or name the host: mcmirror tui --web HOST:PORT."
)
USED = (
    "This dashboard opens only with the address that `mcmirror tui --web` printed, and that opens once. Copy the "
    "address of a tab that is open, or start it again for a new one."
)
_FONTS = re.compile(r'<link\s+rel="stylesheet"\s+href="https://fonts[^>]*>')


def place(text: str) -> Address:
    """Where to listen: a port, or host:port; ValueError when it is neither."""
    return address(f"127.0.0.1:{text}" if text.isascii() and text.isdigit() else text)


def allowed(host: str, origin: str, where: Address) -> bool:
    """Whether a request may be answered: no name that was made to lead here, and no page of somebody else's.

    A browser sends ``Origin`` with every WebSocket; who sends none is no page.
    """
    named = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    name = named.removeprefix("[").removesuffix("]").lower()
    own = {*LOOPBACK, where.host.lower()}
    # Beyond loopback any address may lead here; of names, only those that nobody else can point here.
    if name not in own and (where.loopback or not (_is_address(name) or name == gethostname().lower())):
        return False
    return not origin or origin.partition("://")[2] == host


def _is_address(name: str) -> bool:
    try:
        return bool(ip_address(name))
    except ValueError:
        return False


class Admission:
    """Decides who gets a page and a socket. Not thread-safe.

    The token opens one page or one socket. Each page has a ticket instead, which opens its sockets, and the page again.
    """

    def __init__(self) -> None:
        self.token = token_urlsafe(24)
        """What the printed address ends with."""
        self._used = False
        self._tickets = list[str]()

    def admit(self, given: str) -> str:
        """The ticket for who shows the token or a ticket; empty for everybody else."""
        for ticket in self._tickets:
            if compare_digest(given.encode(), ticket.encode()):
                return ticket
        if self._used or not compare_digest(given.encode(), self.token.encode()):
            return ""
        self._used = True
        self._tickets.append(token_urlsafe(24))
        return self._tickets[-1]


def serve(where: Address, command: Sequence[str], said: Callable[[str], object]) -> None:
    """Serve until SIGINT or SIGTERM; ``command`` is what each tab runs. Raises Trouble."""
    try:
        server = _server(where, command, said)
    except ImportError:
        raise _missing() from None
    try:
        server.serve()
    except OSError as error:
        raise _taken(where, error) from None


def _refused(why: str) -> Any:
    from aiohttp import web

    return web.Response(status=403, text=f"{why}\n")


def _guard(where: Address) -> Any:
    """A middleware that looks at each request before anything else does."""
    from aiohttp import web

    @web.middleware
    async def guard(request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        if not allowed(request.host, request.headers.get("Origin", ""), where):
            return _refused(FOREIGN)
        answer = await handler(request)
        if not answer.prepared:
            answer.headers["Content-Security-Policy"] = POLICY
            answer.headers["X-Content-Type-Options"] = "nosniff"
            answer.headers["Referrer-Policy"] = "no-referrer"
            answer.headers["Cache-Control"] = "no-store"
        return answer

    return guard


def _server(where: Address, command: Sequence[str], said: Callable[[str], object]) -> Any:
    """What the library makes, behind our admission."""
    import shlex

    import aiohttp_jinja2
    import jinja2
    import textual_serve.server as base
    from aiohttp import web

    admission = Admission()

    class Server(base.Server):
        """Answers only those who may ask, under the name by which they ask."""

        async def _make_app(self) -> Any:
            made = web.Application(middlewares=[_guard(where)])
            aiohttp_jinja2.setup(made, loader=jinja2.FileSystemLoader(self.templates_path))
            # Not its download, of which the dashboard has none; a ticket in the path, for its page adds a query.
            made.add_routes(
                [
                    web.get("/", self.handle_index, name="index"),
                    web.get("/ws", self.handle_websocket, name="websocket"),
                    web.get("/ws/{ticket}", self.handle_websocket),
                    web.static("/static", self.statics_path, name="static"),
                ]
            )
            made.on_startup.append(self.on_startup)
            return made

        def initialize_logging(self) -> None:
            """Its log would name the command for every tab."""

        async def on_startup(self, app: Any) -> None:  # noqa: ARG002  its signature
            """Say where it is."""
            said(f"http://{reachable(where)}/?token={admission.token}")

        async def handle_index(self, request: Any) -> Any:
            """A page that finds us where it found us, opens its socket with its own ticket, and has the focus."""
            ticket = admission.admit(request.query.get("token", ""))
            if not ticket:
                return _refused(USED)
            here = copy(self)
            here.public_url = f"{request.scheme}://{request.host}"
            answer: Any = await base.Server.handle_index(here, request)
            page = answer.text.replace('/ws"', f'/ws/{ticket}"').replace("</head>", f"{_script(ticket)}</head>")
            answer.text = _FONTS.sub("", page)
            return answer

        async def handle_websocket(self, request: Any) -> Any:
            """A dashboard for who has a ticket."""
            given = request.match_info.get("ticket") or request.query.get("token", "")
            return await super().handle_websocket(request) if admission.admit(given) else _refused(USED)

    return Server(f"exec {shlex.join(command)}", host=where.host, port=where.port, title="mcmirror")


def _script(ticket: str) -> str:
    """Put the ticket into the address, so that the page can be loaded again, and give the terminal the keyboard."""
    return f"""<script>
      history.replaceState(null, "", "/?token={ticket}");
      addEventListener("load", () => {{
        const focus = () => {{
          const keyboard = document.querySelector(".xterm-helper-textarea");
          if (keyboard) keyboard.focus();
          return keyboard;
        }};
        if (!focus()) new MutationObserver((_, observer) => focus() && observer.disconnect())
          .observe(document.body, {{ childList: true, subtree: true }});
        addEventListener("focus", focus);
      }});
    </script>"""


def _missing() -> Trouble:
    remedy = f"Install it: {sys.executable} -m pip install textual-serve. "
    remedy += "Without it: mcmirror tui shows the same in this terminal."
    return Trouble(
        Problem(
            Category.CONFIGURATION,
            "The dashboard cannot be served to a browser",
            "textual-serve is not installed: it comes with the extra web",
            remedy,
            retryable=False,
        )
    )


def _taken(where: Address, error: OSError) -> Trouble:
    why = (error.strerror or str(error)).lower()
    remedy = "Name another port: mcmirror tui --web 8001."
    return Trouble(Problem(Category.CONFIGURATION, f"Nobody can listen on {where}", why, remedy, retryable=False))
