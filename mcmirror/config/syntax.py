"""The small grammars of single values; each function returns the value or raises Wrong with a remedy."""

import re
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from mcmirror.config.values import DEFAULT_STATE, Wrong, nearest
from mcmirror.model.job import Tags
from mcmirror.model.realtime import Realtime

LOGS = ("auto", "text", "json")
CHECKSUMS = ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])", re.ASCII)
_AGE = re.compile(r"(\d+[dhms])+\Z", re.ASCII)
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgtp]i?b?|b)?\Z", re.IGNORECASE | re.ASCII)
_BITS = re.compile(r"(\d+(?:\.\d+)?)\s*([kmg])(?:bit|bits|bps)(?:/s|ps)?\Z", re.IGNORECASE | re.ASCII)
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{1,61}[A-Za-z0-9]\Z")
_MULTIPLES = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
LONGEST = 3650 * 86400.0
"""Seconds: no pause and no interval is longer."""
OLDEST = 36500
"""Days: dates before the year 1 do not exist, and a hundred years are enough."""
LEAST_MEMORY = 128 << 20
"""Bytes: mc at rest has a quarter of it."""
LEAST_BANDWIDTH = 100_000_000
"""Bytes a second of a replication."""
LARGEST = 2**50
"""Bytes a second: 1 PiB."""
MOST_RETRIES = 1000
_LISTEN = 'Write "127.0.0.1:8080", "0.0.0.0:8080" or "[::1]:8080"; "off" to serve nothing.'
_TRUE, _FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off")


def duration(text: str, *, most: float = LONGEST, remedy: str = 'Write "3650d" or less.') -> float:
    """Seconds of ``60s``, ``30m``, ``26h``, ``1d``, ``1h30m``."""
    word = text.strip()
    parts = _SPAN.findall(word)
    if not parts or "".join(number + unit for number, unit in parts) != word:
        raise Wrong(f"{text!r} is no duration", 'Write a number with its unit: "60s", "30m", "26h" or "1d".')
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    if seconds > most:
        raise Wrong(f"{_short(text)!r} is longer than {most / 86400:.0f} days", remedy)
    return seconds


def positive_duration(text: str) -> float:
    """The same, and more than nothing."""
    seconds = duration(text)
    if seconds <= 0:
        raise Wrong(f"{text!r} is no time at all", 'Write more than zero, for example "30m".')
    return seconds


def interval(text: str) -> float:
    """The same, from start to start: a second at least."""
    seconds = positive_duration(text)
    if seconds < 1:
        raise Wrong(f"{text!r} is less than a second", 'Write "1s" or more.')
    return seconds


def check_every(text: str) -> float:
    """An interval, or 0 for ``off``."""
    return 0.0 if text.strip().lower() == "off" else interval(text)


def keeping(text: str) -> float:
    """Seconds for which something is remembered: a duration of up to a hundred years."""
    seconds = duration(text, most=OLDEST * 86400.0, remedy=f'Write "{OLDEST}d" or less.')
    if seconds <= 0:
        raise Wrong(f"{text!r} would remember nothing", 'Write more than zero, for example "90d".')
    return seconds


def age(text: str) -> str:
    """An age as mc takes it, of days, hours, minutes and seconds; mc's other units are left out, for M is not m."""
    word = text.strip()
    if not _AGE.match(word):
        raise Wrong(f"{text!r} is no age", 'Write whole days, hours, minutes, seconds: "7d10h31m5s", "30d".')
    if sum(float(number) * _SECONDS[unit] for number, unit in _SPAN.findall(word)) > OLDEST * 86400:
        raise Wrong(f"{_short(text)!r} is more than a hundred years", f'Write "{OLDEST}d" or less.')
    return word


def size(value: str | int) -> str:
    """A rate in bytes a second, as mc takes it: ``10MiB``, ``10M``, ``1000000``."""
    word = str(value).strip()
    if bits := _BITS.match(word):
        number, unit = float(bits[1]) / 8, bits[2].upper()
        raise Wrong(f"{word!r} counts bits, mc counts bytes", f'Write "{number:g}{unit}B".')
    if word.lower().endswith(("/s", "ps")):
        raise Wrong(f"{word!r}: mc takes no '/s', a second is meant anyway", f'Write "{word[:-2]}".')
    found = _SIZE.match(word)
    if not found:
        raise Wrong(f"{word!r} is no size", 'Write bytes a second: "10MiB", "500kB" or 1000000.')
    if _bytes(found) > LARGEST:
        raise Wrong(f"{_short(word)!r} is more than 1 PiB a second", 'Write "1PiB" or less, or leave it out.')
    return word.replace(" ", "")


def replication_bandwidth(value: str | int) -> int:
    """Bytes a second that the servers may use to replicate: 0 for no limit, else what MinIO accepts."""
    word = size(value)
    found = _SIZE.match(word)
    number = int(_bytes(found)) if found else 0
    if 0 < number < LEAST_BANDWIDTH:
        raise Wrong(f"{word!r} is less than MinIO accepts", 'Write "100MB" a second or more, or "0" for no limit.')
    return number


def memory(value: str | int) -> int:
    """Bytes of memory: ``1GiB``, ``512MiB``, ``1000000000``."""
    word = str(value).strip()
    found = _SIZE.match(word)
    if not found:
        raise Wrong(f"{word!r} is no size", 'Write "1GiB" or "512MiB".')
    if not LEAST_MEMORY <= (size := _bytes(found)) <= LARGEST:
        raise Wrong(f"{_short(word)!r} is no memory that mc can work in", 'Write "128MiB" or more.')
    return int(size)


def _bytes(found: re.Match[str]) -> float:
    unit = (found[2] or "").lower()
    return float(float(found[1]) * (1024 if "i" in unit else 1000) ** _MULTIPLES[unit[:1].strip("b")])


def exclude(text: str) -> str:
    """A pattern as mc matches it: ``*`` and ``?`` against the whole key, relative to the source."""
    if not text.strip():
        raise Wrong("an empty pattern makes mc exclude everything", "Remove it.")
    if text.startswith("/"):
        raise Wrong(f"{text!r} matches nothing: no key begins with '/'", f'Write "{text.lstrip("/")}".')
    return text


def events(text: str) -> tuple[str, float]:
    """How changes are heard of, and the seconds between full runs where they are not: ``watch``, ``poll:60s``."""
    word = text.strip()
    kind, _, rest = word.partition(":")
    if kind == "poll":
        return kind, interval(rest) if rest else Realtime().poll_every
    if word in {"watch", "webhook"} or (kind == "sqs" and rest.startswith("//") and len(rest) > 2):
        return word, Realtime().poll_every
    guess = nearest(kind, ("watch", "webhook", "poll", "sqs"))
    hint = f"Did you mean {guess}? " if guess else ""
    raise Wrong(
        f"{text!r} is no channel of events", f'{hint}Write "watch", "webhook", "sqs://HOST/QUEUE" or "poll:60s".'
    )


def canary(text: str) -> str:
    """A prefix of keys with its slash; empty for ``off``."""
    word = text.strip()
    if word.lower() == "off":
        return ""
    if not word.endswith("/") or word.startswith("/") or any(part in {"", ".", ".."} for part in word[:-1].split("/")):
        raise Wrong(f"{text!r} is no prefix of keys", 'Write ".mcmirror/", with a slash at its end only, or "off".')
    if any(sign in word for sign in "*?"):
        raise Wrong(f"{text!r} holds a wildcard", 'Write ".mcmirror/", or "off".')
    return word


def checksum(text: str) -> str:
    """The name of a checksum that mc can add to uploads."""
    if text.upper() in CHECKSUMS:
        return text.upper()
    guess = nearest(text, CHECKSUMS)
    raise Wrong(
        f"{text!r} is no checksum of mc", f"Write {guess}." if guess else f"Write one of {', '.join(CHECKSUMS)}."
    )


def encryption(text: str) -> str:
    """How the target's objects are to be encrypted: ``sse-s3`` or ``sse-kms:KEY``, as far as mc can say it."""
    kind, _, key = text.strip().partition(":")
    hint = 'Write "sse-s3", or "sse-kms:KEY" with the name or the ID of a key.'
    if kind == "sse-s3" and not key:
        return kind
    if kind != "sse-kms" or not key:
        raise Wrong(f"{text!r} is no encryption that mc can ask for", hint)
    if not re.fullmatch(r"(?!-)[A-Za-z0-9_-]+(?<!-)", key) or key == "_":
        why = "mc takes only letters, digits, - and _ for a key"
        raise Wrong(f"{key!r} cannot be handed to mc: {why}", "Write the key's ID in place of an ARN or an alias.")
    return f"{kind}:{key}"


def tags(text: str) -> Tags:
    """What becomes of tags."""
    try:
        return Tags(text.strip().lower())
    except ValueError:
        raise Wrong(f"{text!r} is no way to treat tags", "Write auto, copy or off.") from None


def attributes(text: str) -> str:
    """``key=value;key2=value2``."""
    for pair in text.split(";"):
        name, equals, _ = pair.partition("=")
        if not name.strip() or not equals:
            raise Wrong(f"{pair!r} is no attribute", 'Write "key=value;key2=value2".')
    return text


def url(text: str) -> str:
    """The address of a server: scheme, host, perhaps a port; returned without a trailing slash."""
    word = text.strip().rstrip("/")
    if not word.startswith(("http://", "https://")):
        host = word.partition("://")[2] or word
        # A credential may stand before the host; it must not be shown.
        shown = host if "@" not in host and host else "HOST"
        raise Wrong("the address does not begin with http:// or https://", f'Write "https://{shown}".')
    try:
        parts = urlsplit(word)
        port = parts.port
    except ValueError:
        raise Wrong("the address cannot be read", 'Write "https://host" or "https://host:port".') from None
    if "@" in parts.netloc:
        raise Wrong("the address holds credentials", "Move them to access_key and secret_key.")
    if not parts.hostname or port == 0 or any(sign.isspace() for sign in word):
        raise Wrong(f"{word!r} names no host", 'Write "https://host" or "https://host:port".')
    if parts.path or parts.query or parts.fragment:
        place = f"{parts.scheme}://{parts.netloc}"
        raise Wrong(
            "the address has a path or a query",
            f'Write "{place}"; the bucket belongs to source and target, as in NAME/bucket.',
        )
    return word


def event_arn(text: str) -> str:
    """The name by which a server knows where it can send events."""
    if not re.fullmatch(r"arn:[^\s:]+:sqs:[^\s:]*:[^\s:]+:[^\s:]+", text):
        raise Wrong(f"{text!r} is no ARN for events", 'Write it as the server names it: "arn:minio:sqs::NAME:webhook".')
    return text


def listen(text: str) -> str:
    """``host:port`` to listen on, a v6 host in brackets; empty for ``off``."""
    word = text.strip()
    if word.lower() == "off":
        return ""
    host, colon, port = word.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    if not (host and colon and port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536):
        raise Wrong(f"{text!r} is no address to listen on", _LISTEN)
    if any(sign.isspace() or sign in "/@" for sign in host) or (":" in bare) != (host == f"[{bare}]"):
        raise Wrong(f"{text!r} is no address to listen on", _LISTEN)
    return word


BROKERS = ("redis", "rediss", "amqp", "amqps")


def broker(text: str) -> str:
    """The URL of a Redis or a RabbitMQ."""
    word = text.strip()
    scheme, separator, rest = word.partition("://")
    remedy = 'Write "redis://host:6379/0" or "amqp://user@host/vhost"; rediss:// and amqps:// are encrypted.'
    if not separator or scheme not in BROKERS:
        guess = nearest(scheme, BROKERS) if separator else ""
        raise Wrong("this is no broker that mcmirror knows", f"Did you mean {guess}://? {remedy}" if guess else remedy)
    try:
        parts = urlsplit(word)
        good = bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or not rest:
        raise Wrong("the broker's address names no host", remedy)
    return word


def state(text: str) -> str:
    """The URL of a database that runs can be remembered in."""
    word = text.strip()
    if not word.startswith(("sqlite:///", "postgresql+psycopg://", "postgresql://")):
        raise Wrong(
            "this is no database that mcmirror knows",
            'Write "sqlite:///~/.local/state/mcmirror/state.db" or "postgresql+psycopg://user@host/db".',
        )
    if word.startswith("sqlite:///"):
        _state_file(Path(word.removeprefix("sqlite:///")))
    return word


def _state_file(path: Path) -> None:
    """Refuse what was never a state of ours: nothing is written to it, nor beside it. One that broke is a warning."""
    try:
        file = path.expanduser()
        if file.is_dir():
            raise Wrong(f"{file} is a folder", f'Name a file in it: "sqlite:///{file / "state.db"}".')
        if not file.exists() or file.with_name(f"{file.name}.inbox").exists():
            return
        beginning = b"no file"
        if file.is_file():
            with file.open("rb") as content:
                beginning = content.read(16)
    except (OSError, RuntimeError):
        return
    if beginning not in {b"", b"SQLite format 3\0"}:
        raise Wrong(
            f"{file} is no SQLite database, and mcmirror has not made it",
            f'Name a file that need not exist yet: "{DEFAULT_STATE}".',
        )


def log(text: str) -> str:
    """How a server logs."""
    word = text.strip().lower()
    if word not in LOGS:
        raise Wrong(f"{text!r} is no kind of log", "Write text or json; auto is text on a terminal, json elsewhere.")
    return word


def bucket(name: str) -> str:
    """A bucket name that a client at least lets through."""
    if not _BUCKET.match(name) or ".." in name:
        raise Wrong(
            f"{name!r} cannot be a bucket",
            "Bucket names have 3 to 63 characters: letters in lower case, digits, '-' and '.'.",
        )
    return name


def boolean(text: str) -> bool:
    """True or false of a variable."""
    word = text.strip().lower()
    if word not in _TRUE + _FALSE:
        raise Wrong(f"{text!r} is neither true nor false", "Write true or false.")
    return word in _TRUE


def number(text: str, *, least: int = 0, most: int = 2**31 - 1) -> int:
    """A whole number of a variable."""
    word = text.strip()
    if not word.isascii() or not word.isdigit() or int(word[:20]) < least:
        raise Wrong(f"{text!r} is no whole number of {least} or more", f"Write a number, for example {max(least, 3)}.")
    if len(word.lstrip("0")) > len(str(most)) or int(word) > most:
        raise Wrong(f"{_short(word)!r} is more than {most}", f"Write {most} or less.")
    return int(word)


def retries(text: str) -> int:
    """How often something is tried again."""
    return number(text, most=MOST_RETRIES)


def seconds(text: str, *, least: int = 0, example: int = 60) -> int:
    """A pause or an interval of a variable, in whole seconds."""
    word = text.strip()
    if not word.isascii() or not word.isdigit() or int(word[:20]) < least:
        remedy = f"Write seconds, for example {example}."
        with suppress(Wrong):
            remedy = f"Write {max(least, duration(word)):.0f}: seconds are meant."
        raise Wrong(f"{_short(text)!r} is no whole number of seconds{f', {least} or more' if least else ''}", remedy)
    return number(text, most=int(LONGEST))


def _short(text: str) -> str:
    return text if len(text) <= 30 else f"{text[:30]}..."


def zone(text: str) -> str:
    """The name of a time zone."""
    from zoneinfo import ZoneInfo, available_timezones

    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        guess = nearest(text, available_timezones())
        meant = f"Write {guess}." if guess else "Write a name such as Asia/Seoul, Europe/Berlin or UTC."
        raise Wrong(f"{text!r} is no time zone of this machine", meant) from None
    return text


_TAKEN = ("api", "events", "healthz", "readyz", "metrics")
"""First parts of paths under which a server answers something else."""
_IN_PATHS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")


def relay_path(text: str) -> str:
    """The path under which a relay listens. Raises Wrong."""
    remedy = 'Write it as in listen = "/relay/intermediate".'
    if not text.startswith("/") or not set(text) <= _IN_PATHS:
        raise Wrong(f"{text!r} is no path: it begins with / and has letters, digits, '-', '.', '_', '~' and /", remedy)
    parts = text.split("/")[1:]
    if any(part in {"", ".", ".."} for part in parts):
        raise Wrong(f"{text!r} has a part that is empty, '.' or '..'", remedy)
    if parts[0] in _TAKEN:
        raise Wrong(f"/{parts[0]} belongs to mcmirror serve itself", remedy)
    return text
