"""Looks an error of mc up: category, cause, remedy, and whether trying again can help.

Pure: the table is data (``error_table``), nothing is read or run here.
"""

import functools
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from mcmirror.messages.error_table import TABLE, Row
from mcmirror.messages.remedy import origin_of, rendered
from mcmirror.model.job import Job
from mcmirror.model.location import ALIAS_NAME, Alias, Location
from mcmirror.model.problem import Category, Problem
from mcmirror.model.redact import without_user
from mcmirror.model.wording import harmless

LONGEST_CAUSE = 300
"""Characters of mc's words that are shown."""
LONGEST_STORY = 2000
"""Characters of a cause that we worded ourselves, a list of places for one."""

_BY_CATEGORY = {row.category: row for row in TABLE}
_TEMPLATES = {rendered(row.remedy): row.remedy for row in TABLE}
_BY_CODE = {code.lower(): row for row in TABLE for code in row.codes}
_BY_STATUS = {code[:4]: row for row in TABLE for code in row.codes if re.match(r"\d{3} ", code)}
"""By the number of a status without S3's words; servers and proxies name it differently."""

_WHAT = (
    (r"failed to copy|prepare url", "{it} was not copied"),
    (r"failed to remove", "{it} was not removed"),
    (r"unable to list|disk usage", "{it} could not be listed"),
    (r"stat source|start mirroring|start monitoring", "{it} cannot be read"),
    (r"error condition", "{it} differs and was left alone"),
    (r"(make|create) bucket", "{it} could not be created"),
    (r"initialize new alias", "{it} could not be used"),
    (r"unable to stat", "{it} cannot be read"),
)
"""mc's own headlines in plain words; several of them are untrue (nothing is "retrying")."""
_BROKEN_OFF = frozenset(
    {Category.LISTING_BROKEN, Category.CONNECTION_LOST, Category.STALLED, Category.SERVER_ERROR, Category.THROTTLED}
)
"""What may end a listing that had begun."""
_KEYS = (
    (
        r"InvalidAccessKeyId|access key id you provided does not exist|invalid access key",
        "does not know the access key",
    ),
    (r"SignatureDoesNotMatch|signature we calculated does not match|invalid secret key", "rejected the secret key"),
    (r"Expired|TokenRefreshRequired", "says that the temporary key has expired"),
    (r"InvalidToken|InvalidTokenId|security token .* is invalid", "rejected the session token"),
)
"""What servers say of keys, and which of them is wrong."""


def table() -> tuple[Row, ...]:
    """Every row, in the order in which phrases are tried and people read them."""
    return TABLE


def row(category: Category) -> Row:
    """The row of a category; each has exactly one."""
    return _BY_CATEGORY[category]


def problem(category: Category, message: str = "", cause: str = "", object: str = "", *, remedy: str = "") -> Problem:  # noqa: A002
    """Build a problem whose remedy and retryability come from the table.

    Without ``message`` or ``cause`` the row's own sentence is used; ``remedy`` overrides the row's.
    """
    found = _BY_CATEGORY[category]
    meaning = _sentence(found.cause)
    return Problem(
        category=category,
        message=_one_line(message) or meaning,
        cause=_shorten(_one_line(cause), LONGEST_STORY) or meaning,
        remedy=remedy or rendered(found.remedy),
        retryable=found.retryable,
        object=object,
    )


def classify(message: str, cause: str, code: str = "", *, object: str = "", side: str = "") -> Problem:  # noqa: A002
    """Turn an error line of mc into a problem.

    ``message`` and ``cause`` are mc's (``error.message``, ``error.cause.message``), ``code`` is the S3 code or empty,
    ``object`` the key or place it concerns and ``side`` ``"source"`` or ``"target"`` where the caller knows them.
    """
    found = _row_for(message, cause, code)
    if found.category is Category.CREDENTIALS and (said := _about_keys(f"{code}\n{cause}")):
        return problem(found.category, f"{_server(object, side)} {said}", words(cause or code or message), object)
    what = _what(message, object or (f"The {side}" if side else ""))
    if what.endswith("listed") and found.category in _BROKEN_OFF:
        what += " to the end"
    headline = f"{what}: {found.cause}" if what else ""
    return problem(found.category, headline, words(cause or code or message), object)


def outgrown(message: str, memory: int, object: str = "") -> Problem:  # noqa: A002
    """The problem of an mc that was stopped for its memory."""
    cause = f"mc had {memory / (1 << 20):,.0f} MiB, and was stopped"
    return problem(Category.MEMORY, message, cause, object)


def _about_keys(text: str) -> str:
    """Which of the keys a server does not take, in a predicate; empty when it does not say."""
    return next((said for pattern, said in _KEYS if re.search(pattern, text, flags=re.IGNORECASE)), "")


def _server(about: str, side: str) -> str:
    """The alias in a place, or the server's address; else the side."""
    if about.startswith(("http://", "https://")):
        return about
    alias, slash, _ = about.partition("/")
    if slash and ALIAS_NAME.match(alias) and not (side and side not in {"source", "target", alias}):
        return alias
    return f"The {side}" if side in {"source", "target"} else side or "The server"


def _named(found: Problem, aliases: Iterable[Alias]) -> Problem:
    """The same with the name of the alias in place of its address, where a key is wrong."""
    if found.category is Category.CREDENTIALS:
        for alias in aliases:
            if found.message.startswith(f"{alias.url} "):
                return replace(found, message=f"{alias.name} {found.message.removeprefix(alias.url).lstrip()}")
    return found


def for_job(found: Problem, job: Job, aliases: Mapping[str, Alias]) -> Problem:
    """The same problem with its remedy in the words of whoever described the job; one of its own stays as it is.

    ``aliases`` are those of the job that are known, by name.
    """
    template = _TEMPLATES.get(found.remedy)
    if template is None:
        return found
    sides = {side: place for side, place in (("source", job.source), ("target", job.target))
             if _concerns(found.object, place, aliases)}  # fmt: skip
    side = next(iter(sides)) if len(sides) == 1 else ""
    places = sides.values() if sides else (job.source, job.target)
    meant = {place.alias: aliases[place.alias] for place in places if place.alias in aliases}
    found = _named(found, aliases.values())
    return replace(found, remedy=rendered(template, job.origin, side, tuple(meant.values())))


def for_alias(found: Problem, alias: Alias) -> Problem:
    """The same of a problem with one alias."""
    template = _TEMPLATES.get(found.remedy)
    found = _named(found, (alias,))
    return replace(found, remedy=rendered(template, origin_of(alias), aliases=(alias,))) if template else found


def _concerns(about: str, place: Location, aliases: Mapping[str, Alias]) -> bool:
    """Whether a problem's object is the place, lies in it, or is its bucket or its server."""
    if place.is_local:
        return f"{about}/".startswith(f"{place}/")
    alias = aliases.get(place.alias)
    return f"{about}/".startswith(f"{place.alias}/{place.bucket}/") or bool(alias and about == alias.url)


def find(text: str) -> Row | None:
    """Return the row that explains ``text``: a category, an S3 code, a heading, or mc's words (JSON line too)."""
    asked = text.strip()
    message, cause, code = _read_line(asked)
    for known in TABLE:
        if known.category == asked.lower():
            return known
    found = _row_for(message, cause, code or asked)
    if found.category is not Category.UNKNOWN:
        return found
    plain = _squeeze(asked)
    for known in TABLE:
        if any(_squeeze(heading) in plain for heading in known.headings):
            return known
    codes = (_BY_CODE[word] for word in plain.split() if word in _BY_CODE)
    return next(codes, None) or _row_with(plain)


def _row_with(plain: str) -> Row | None:
    """The first row that has these words in it, if they are more than a syllable."""
    if len(plain) < 3:
        return None
    for known in TABLE:
        if any(plain in _squeeze(words) for words in (known.category, *known.headings, known.cause, *known.codes)):
            return known
    return None


def markdown() -> str:
    """Render the table for docs/troubleshooting.md."""
    lines = ["| what you see | what it means | what to do | tried again |", "| --- | --- | --- | --- |"]
    for known in TABLE:
        seen = f"{known.headings[0]}<br>`{known.category}`" if known.headings else f"`{known.category}`"
        cells = (seen, _sentence(known.cause), rendered(known.remedy), "yes" if known.retryable else "no")
        lines.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def words(said: str) -> str:
    """Make mc's words fit to be shown: one line, no secret, no query string, no markup, not too long."""
    said = re.sub(r"(invalid secret key) `[^\n]*`", r"\1", said, flags=re.IGNORECASE)
    if said.lstrip().startswith("<"):
        said = re.sub(r"<(style|script)\b.*?</\1>|<[^>]*>", " ", said, flags=re.DOTALL | re.IGNORECASE)
    said = without_user(re.sub(r"(https?://[^\s\"`?]*)\?[^\s\"`]*", r"\1", said))
    return _shorten(_one_line(" ".join(said.split())), LONGEST_CAUSE)


def _row_for(message: str, cause: str, code: str) -> Row:
    by_code = _BY_CODE.get(code.strip().lower())
    if by_code is not None:
        return by_code
    if code[:4] in _BY_STATUS:
        return _BY_STATUS[code[:4]]
    text = f"{_without_names(message)}\n{_without_names(cause)}"
    for known in TABLE:
        if any(pattern.search(text) for pattern in _patterns(known.category)):
            return known
    if re.match(r"5\d\d ", code):
        return _BY_CATEGORY[Category.SERVER_ERROR]
    return _BY_CATEGORY[Category.UNKNOWN]


@functools.cache
def _patterns(category: Category) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(phrase, re.IGNORECASE) for phrase in _BY_CATEGORY[category].phrases)


def _without_names(text: str) -> str:
    """Blank what stands in quotes: a key may be called ``connection refused``."""
    text = re.sub(r"`.*`\.?\Z", "``", text, flags=re.DOTALL)  # a key may hold backticks
    text = re.sub(r"`[^`]*`", "``", text)
    return re.sub(r'"(?:[^"\\]|\\.)*"', '""', text, flags=re.DOTALL).replace("\n", " ")


def _what(message: str, it: str) -> str:
    """What happened, in plain words; empty when mc's headline says nothing of use."""
    named = re.search(r"[`'](.*)[`']", message, flags=re.DOTALL)
    it = it or (named[1] if named else "")
    for phrase, plain in _WHAT:
        if re.search(phrase, message, flags=re.IGNORECASE):
            return plain.format(it=it or "One side")
    return it


def _read_line(text: str) -> tuple[str, str, str]:
    """Return message, cause and code of a pasted JSON line of mc; other text is its own cause."""
    if text.startswith("{"):
        try:
            error = json.loads(text).get("error", {})
            cause = error.get("cause", {})
            inner = cause.get("error")
            code = inner.get("Code", "") if isinstance(inner, dict) else ""
            return str(error.get("message", "")), str(cause.get("message", "")), str(code)
        except (ValueError, AttributeError):
            return "", text, ""
    return "", text, ""


def _squeeze(text: str) -> str:
    return " ".join(re.sub(r"[^a-z0-9]+", " ", text.lower()).split())


def _sentence(cause: str) -> str:
    """Begin with a capital, but mc is called mc."""
    return cause if cause.startswith("mc ") else cause[:1].upper() + cause[1:]


def _one_line(text: str) -> str:
    return harmless(text.strip())


def _shorten(text: str, longest: int) -> str:
    """Cut the middle out: mc's reason stands at the end, what it was doing at the beginning."""
    if len(text) <= longest:
        return text
    half = (longest - 1) // 2
    return f"{text[:half]}…{text[-half:]}"
