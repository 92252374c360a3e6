"""Fetch MinIO's mc: the last release's asset, checked and moved into place whole, or a build by Go.

The vendor's own download host answers 410 since September 2026; the assets of the last release still stand.
"""

import hashlib
import os
import platform
import shutil
import ssl
import sys
import tempfile
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit, urlunsplit

from mcmirror.messages.error_lookup import problem, words
from mcmirror.model.problem import Category, Trouble
from mcmirror.model.redact import without_user
from mcmirror.movers.mc.find import Mc, examine, own_copy
from mcmirror.movers.mc.process import capture
from mcmirror.movers.mc.programs import search_path, which

RELEASE = "RELEASE.2025-08-13T08-35-41Z"
SOURCE = "https://github.com/minio/mc/releases/download"
URL_VARIABLE = "MCMIRROR_MC_URL"
GO_PACKAGE = "github.com/minio/mc@v0.0.0-20250313080218-cf909e1063a9"
SHA256 = {
    "linux-amd64": "01f866e9c5f9b87c2b09116fa5d7c06695b106242d829a8bb32990c00312e891",
    "linux-arm64": "14c8c9616cfce4636add161304353244e8de383b2e2752c0e9dad01d4c27c12c",
    "darwin-amd64": "2862c79cce11b09be9a8911a279b2e9465bebf74b9f01abca9c348a0d795f0cb",
    "darwin-arm64": "a877fd0c183409da9f20f9d6e1811987298bbbca1aa03428eebdffba79fb9445",
    "windows-amd64": "c8db13ebeda31497f354c0e950809db0ae9b2a2a69b8afee68c128c37300c157",
}
SMALLEST = 10 * 1024 * 1024
LARGEST = 256 * 1024 * 1024
"""Bytes between which an mc lies."""
TIMEOUT = 60.0
"""Seconds without a byte after which a download is given up."""
BUILD_TIMEOUT = 1800.0

_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_MAGIC = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"MZ")
_BLOCK = 256 * 1024

Say = Callable[[str], None]


class NotInstalled(Trouble):
    """mc could not be put into place; what was there before is untouched."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file of a release."""

    name: str
    sha256: str


def asset(system: str = "", machine: str = "") -> Asset:
    """Return the asset for a platform, this one by default; NotInstalled where the release has none."""
    system = (system or sys.platform).replace("win32", "windows")
    machine = machine or platform.machine()
    key = f"{system}-{_MACHINES.get(machine.lower(), machine.lower())}"
    if key not in SHA256:
        raise _failed(f"The last release has no mc for {key}", f"it has {', '.join(SHA256)}", "--from-go builds it. ")
    extension = ".exe" if system == "windows" else ""
    return Asset(f"mc.{key}.{RELEASE}{extension}", SHA256[key])


def install(wanted: Asset, *, url: str = "", environ: Mapping[str, str] | None = None, say: Say = lambda _: None) -> Mc:
    """Download ``wanted``, check it, and put it where ``find`` looks.

    ``url`` (else ``MCMIRROR_MC_URL``) is a mirror of the releases, or the file itself. Raises NotInstalled.
    """
    environ = os.environ if environ is None else environ
    base = (url or environ.get(URL_VARIABLE, "") or SOURCE).rstrip("/")
    address = base if base.endswith(wanted.name) else f"{base}/{RELEASE}/{wanted.name}"
    if not address.startswith(("https://", "http://")):
        raise _failed(
            f"{without_user(address)} is no address to download from",
            "it begins neither with https:// nor with http://",
        )
    destination = own_copy(environ)
    with _beside(destination) as folder:
        fresh = folder / "mc"
        say(f"fetching {without_user(address)}")
        digest = _download(address, fresh)
        if digest != wanted.sha256:
            raise _failed(
                f"{without_user(address)} is not the file that it should be",
                f"its sha256 is {digest}, not {wanted.sha256}",
            )
        return _into_place(fresh, destination)


def install_from_go(*, environ: Mapping[str, str] | None = None, say: Say = lambda _: None) -> Mc:
    """Build mc with ``go install`` and put it where ``find`` looks. Raises NotInstalled."""
    environ = os.environ if environ is None else environ
    go = which("go", environ)
    if not go:
        raise _failed(
            "Go was not found, and it is needed to build mc",
            "no go on PATH",
            "Install it from go.dev/dl. ",
            other=_DOWNLOAD,
        )
    destination = own_copy(environ)
    with _beside(destination) as folder:
        settings = {"GOBIN": str(folder), "CGO_ENABLED": "0", "GOTOOLCHAIN": environ.get("GOTOOLCHAIN", "auto")}
        say(f"building {GO_PACKAGE} with {go}; the first time this takes some minutes")
        code, _, errors = capture(
            go,
            ["install", GO_PACKAGE],
            env={**environ, "PATH": search_path(environ), **settings},
            timeout=BUILD_TIMEOUT,
        )
        fresh = folder / "mc"
        if code or not fresh.exists():
            raise _failed(
                "go install did not build mc",
                words(errors) or f"exit code {code}",
                "It takes Go 1.24 or newer. ",
                other=_DOWNLOAD,
            )
        return _into_place(fresh, destination)


class _beside:  # noqa: N801
    """A folder next to the destination, so that the last step is a rename; it vanishes in every case."""

    def __init__(self, destination: Path) -> None:
        self._parent = destination.parent
        self._folder = Path()

    def __enter__(self) -> Path:
        try:
            self._parent.mkdir(parents=True, exist_ok=True)
            self._folder = Path(tempfile.mkdtemp(prefix=".fetch-", dir=self._parent))
        except OSError as failure:
            raise _failed(f"{self._parent} cannot be written to", failure.strerror or str(failure)) from None
        return self._folder

    def __exit__(self, *error: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


def _download(address: str, path: Path) -> str:
    """Write what the address holds to ``path`` and return its sha256."""
    import urllib.error
    import urllib.request

    try:
        bare, keys = _without_keys(address)
    except ValueError:
        raise _failed(f"{without_user(address)} cannot be read", "it is no address") from None
    request = urllib.request.Request(bare, headers={"User-Agent": "mcmirror"})  # noqa: S310  # scheme was checked
    for name, value in keys.items():
        # Only for the server that they were given for, and not where it redirects to.
        request.add_unredirected_header(name, value)
    address = without_user(address)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer, path.open("wb") as file:  # noqa: S310
            return _receive(answer, file, address)
    except urllib.error.HTTPError as failure:
        body = words(failure.read(2000).decode(errors="replace"))
        failure.close()
        said = f"{failure.code} {failure.reason}"
        raise _failed(
            f"{address} is not there any more" if failure.code == 410 else f"{address} cannot be had",
            f"the server answered {said}: {body}",
        ) from None
    except urllib.error.URLError as failure:
        raise _failed(f"{address} cannot be reached", str(failure.reason), _about_tls(failure.reason)) from None
    except (OSError, ValueError) as failure:
        raise _failed(f"{address} broke off", str(failure) or type(failure).__name__) from None


def _without_keys(address: str) -> tuple[str, dict[str, str]]:
    """The address without user and password, and the header that carries them."""
    parts = urlsplit(address)
    user, at, host = parts.netloc.rpartition("@")
    if not at:
        return address, {}
    basic = b64encode(unquote(user).encode()).decode()
    return urlunsplit(parts._replace(netloc=host)), {"Authorization": f"Basic {basic}"}


def _receive(answer: object, file: IO[bytes], address: str) -> str:
    read: Callable[[int], bytes] = answer.read  # type: ignore[attr-defined]
    announced: int | None = getattr(answer, "length", None)
    digest, size = hashlib.sha256(), 0
    while block := read(_BLOCK):
        if not size and not block.startswith(_MAGIC):
            raise _failed(
                f"{address} gave something that is not a program", words(block[:2000].decode(errors="replace"))
            )
        digest.update(block)
        file.write(block)
        size += len(block)
        if size > LARGEST:
            raise _failed(f"{address} is far too large for mc", f"more than {LARGEST} bytes")
    if announced is not None and size < announced:
        raise _failed(f"{address} broke off", f"{size} of {announced} bytes came")
    if size < SMALLEST:
        raise _failed(f"{address} is far too small for mc", f"{size} bytes")
    file.flush()
    os.fsync(file.fileno())
    return digest.hexdigest()


def _into_place(fresh: Path, destination: Path) -> Mc:
    """Try it where it is, then rename: whoever runs the old one meanwhile is not disturbed."""
    fresh.chmod(0o755)
    found = examine(fresh)
    try:
        fresh.replace(destination)
    except OSError as failure:
        raise _failed(f"{destination} cannot be replaced", failure.strerror or str(failure)) from None
    return Mc(str(destination), found.version, found.released)


def _about_tls(reason: object) -> str:
    return "Set SSL_CERT_FILE to your proxy's authority. " if isinstance(reason, ssl.SSLError) else ""


_BUILD = "`mcmirror mc install --from-go` builds it with Go"
_DOWNLOAD = "`mcmirror mc install` downloads it"


def _failed(message: str, cause: str, first: str = "", *, other: str = _BUILD) -> NotInstalled:
    """``other`` is the way of the two that was not tried."""
    remedy = (
        f"{first}Nothing was changed. Try another way: {other}; --url (or "
        f"{URL_VARIABLE}) names a mirror of your own; package managers have it as mcli or minio-client; "
        "MCMIRROR_MC=/path/to/mc takes one you have."
    )
    return NotInstalled(problem(Category.MC_MISSING, message, cause, remedy=remedy))
