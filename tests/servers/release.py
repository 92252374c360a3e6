"""The last release of mc, as its download host has it, but on this machine and with the mc of the tests."""

import hashlib
import http.server
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers import binaries

# The checksums in the package are those of the real assets; here the mc of the tests stands in for each of them.
_STAND_IN = """\
try:
    import mcmirror.movers.mc.install as installing
except ImportError:  # a Python without mcmirror
    pass
else:
    installing.SHA256 = dict.fromkeys(installing.SHA256, "{sha256}")
"""


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        mc = binaries.mc()
        self.send_response(200)
        self.send_header("Content-Length", str(mc.stat().st_size))
        self.end_headers()
        with mc.open("rb") as file:
            shutil.copyfileobj(file, self.wfile)

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def releases(folder: Path, *, sha256: str = "") -> Iterator[dict[str, str]]:
    """Serve it, and hand out the variables with which ``mcmirror mc install`` takes it (or expects ``sha256``)."""
    folder.mkdir(parents=True, exist_ok=True)
    sha256 = sha256 or hashlib.sha256(binaries.mc().read_bytes()).hexdigest()
    (folder / "sitecustomize.py").write_text(_STAND_IN.format(sha256=sha256))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield {"MCMIRROR_MC_URL": f"http://127.0.0.1:{server.server_port}", "PYTHONPATH": str(folder)}
        finally:
            server.shutdown()
            thread.join()
