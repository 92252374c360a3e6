"""The dashboard in a browser: `mcmirror tui --web`. Each tab is a dashboard of its own, in a process of its own."""

from __future__ import annotations

import sys
from copy import copy
from typing import TYPE_CHECKING, Any

from mcmirror.model.problem import Category, Problem, Trouble
from mcmirror.ui.web.address import LOOPBACK, Address, address

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

POLICY = "default-src 'self' 'unsafe-inline' data:; connect-src 'self' ws: wss:; frame-ancestors 'none'"
"""No page is framed, and nothing is fetched from anywhere else: not even a font."""


def place(text: str) -> Address:
    """Where to listen: a port, or host:port; ValueError when it is neither."""
    return address(f"127.0.0.1:{text}" if text.isdigit() else text)


def allowed(host: str, origin: str, where: Address) -> bool:
    """Whether a request may be answered: no name that was made to lead here, and no page of somebody else's.

    A browser sends ``Origin`` with every WebSocket; who sends none is no page.
    """
    named = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    if where.loopback and named.removeprefix("[").removesuffix("]") not in {*LOOPBACK, where.host}:
        return False
    return not origin or origin.partition("://")[2] == host


def serve(where: Address, command: Sequence[str], said: Callable[[str], object]) -> None:
    """Serve until SIGINT or SIGTERM; ``command`` is what each tab runs. Raises Trouble."""
    try:
        import textual_serve.server as base
        from aiohttp import web
    except ImportError:
        raise _missing() from None

    class Server(base.Server):
        """Answers only those who may ask, under the name by which they ask."""

        async def _make_app(self) -> Any:
            made = await super()._make_app()
            made.middlewares.append(_guard)
            return made

        def initialize_logging(self) -> None:
            """Its log would name the command for every tab."""

        async def on_startup(self, app: Any) -> None:  # noqa: ARG002  its signature
            """Say where it is."""
            said(f"http://{where}")

        async def handle_index(self, request: Any) -> Any:
            """Let the page find us where it found us."""
            here = copy(self)
            here.public_url = f"{request.scheme}://{request.host}"
            return await base.Server.handle_index(here, request)

    @web.middleware
    async def _guard(request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        if not allowed(request.host, request.headers.get("Origin", ""), where):
            return web.Response(status=403, text="This dashboard answers only pages of its own address.\n")
        answer = await handler(request)
        if not answer.prepared:
            answer.headers["Content-Security-Policy"] = POLICY
            answer.headers["X-Content-Type-Options"] = "nosniff"
            answer.headers["Referrer-Policy"] = "no-referrer"
        return answer

    import shlex

    try:
        Server(f"exec {shlex.join(command)}", host=where.host, port=where.port, title="mcmirror").serve()
    except OSError as error:
        raise _taken(where, error) from None


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
