"""Django's settings as a configuration of mcmirror: two aliases and one job, in memory only."""

import re
from collections.abc import Iterator
from typing import Any, Protocol

import django
from django.conf import settings
from django.core.files.storage import storages
from django.utils.module_loading import import_string

from mcmirror.config import ConfigError, Configuration, Mistake, Settings, Wrong, nearest, syntax
from mcmirror.config.values import DEFAULT_STATE
from mcmirror.model.job import Job, MirrorOptions
from mcmirror.model.location import Alias, Location, Secret

BACKEND = "mcmirror.contrib.django.storage.S3MirroringStorage"
ORIGIN = "settings"
"""What a mistake names as its file."""
MAIN, MIRROR = "main", "mirror"
"""The names of the two aliases; the main server's has its address besides, so that a backlog has one direction."""
PREFIX = "AWS_S3_MIRRORING_"
MANDATORY = {
    "ACCESS_KEY_ID": "the access key of the mirroring bucket",
    "SECRET_ACCESS_KEY": "the secret key of the mirroring bucket",
    "STORAGE_BUCKET_NAME": "the name of the mirroring bucket",
    "ENDPOINT_URL": "the address of its server, such as https://s3.example.com",
    "REGION_NAME": "its region, such as eu-west-1",
}
DEFAULTS = {
    "SIGNATURE_VERSION": "s3v4",
    "REQUEST_CHECKSUM_CALCULATION": "when_supported",
    "RESPONSE_CHECKSUM_VALIDATION": "when_supported",
    "REMOVE": False,
}
CHOICES = {
    "SIGNATURE_VERSION": ("s3v4", "s3"),
    "REQUEST_CHECKSUM_CALCULATION": ("when_supported", "when_required"),
    "RESPONSE_CHECKSUM_VALIDATION": ("when_supported", "when_required"),
    "REMOVE": (False, True),
}
OWN = {
    "MCMIRROR_STATE": DEFAULT_STATE,
    "MCMIRROR_MC": "",
    "MCMIRROR_JOB": "mirroring",
    "MCMIRROR_TRIGGER": "cron",
}
"""Settings of mcmirror's own, with their defaults."""
TRIGGERS = ("cron", "celery", "tasks")
APIS = {"s3v4": "S3v4", "s3": "S3v2"}
"""How mc names a signature, by boto3's name."""
PATHS = {"path": "on", "virtual": "off"}
"""How mc names a way to address buckets, by boto3's name."""


class MainStorage(Protocol):
    """What is asked of the storage that is mirrored, a S3MirroringStorage."""

    bucket_name: str
    place: str
    location: str
    endpoint_url: str | None
    region_name: str | None
    signature_version: str | None
    addressing_style: str | None
    verify: bool | str | None

    def credentials(self) -> tuple[str, str, str] | None:
        """The access key, secret key and session token."""

    def key_of(self, name: str) -> str:
        """The key that the object of this name has."""


def of(name: str) -> Any:
    """A setting of the mirroring bucket, without its prefix; its default when it is not set."""
    value = getattr(settings, PREFIX + name, None)
    return DEFAULTS.get(name, "") if value is None or value == "" else value


def own(name: str) -> str:
    """A setting of mcmirror's own."""
    return str(getattr(settings, name, None) or OWN[name])


def configuration() -> Configuration:
    """The configuration; raises ConfigError with every mistake."""
    mistakes = [*_missing(), *_unknown(), *_wrong()]
    main: Alias | None = None
    storage: MainStorage | None = None
    try:
        storage = main_storage()
        main = _main(storage)
        source = Location.parse(f"{main.name}/{_place(storage.bucket_name, storage)}")
    except ConfigError as error:
        mistakes += error.mistakes
    except ValueError as wrong:
        remedy = "Name a bucket and a location that need no resolving, such as media/2026."
        mistakes.append(Mistake(ORIGIN, "AWS_STORAGE_BUCKET_NAME, AWS_LOCATION", str(wrong), remedy))
    if main is not None and storage is not None and _same(main, storage):
        remedy = "Name another bucket or another server."
        mistakes.append(Mistake(ORIGIN, f"{PREFIX}STORAGE_BUCKET_NAME", "this is the main bucket itself", remedy))
    if mistakes or storage is None or main is None:
        raise ConfigError(mistakes)
    mirror = Alias(
        MIRROR,
        syntax.url(of("ENDPOINT_URL")),
        Secret(of("ACCESS_KEY_ID")),
        Secret(of("SECRET_ACCESS_KEY")),
        api=APIS[of("SIGNATURE_VERSION")],
        region=of("REGION_NAME"),
        origin=ORIGIN,
    )
    job = Job(
        own("MCMIRROR_JOB"),
        source,
        Location.parse(f"{mirror.name}/{_place(of('STORAGE_BUCKET_NAME'), storage)}"),
        MirrorOptions(overwrite=True, remove=of("REMOVE")),
    )
    return Configuration(
        settings=Settings(state=own("MCMIRROR_STATE"), mc=own("MCMIRROR_MC")),
        aliases={main.name: main, mirror.name: mirror},
        jobs={job.name: job},
        origin=ORIGIN,
    )


def main_storage() -> MainStorage:
    """The storage of STORAGES that is mirrored; raises ConfigError when there is none, or several for other places."""
    found = [
        storages[alias]
        for alias, described in settings.STORAGES.items()
        if getattr(import_string(described["BACKEND"]), "is_mirrored", False)
    ]
    if not found:
        remedy = f'Write "{BACKEND}" as the BACKEND of the storage whose objects are to be mirrored.'
        raise ConfigError([Mistake(ORIGIN, "STORAGES", "no storage is mirrored", remedy)])
    if len({(one.endpoint_url, one.bucket_name, one.location) for one in found}) > 1:
        remedy = "Let one bucket and location be mirrored; several storages may share them."
        raise ConfigError([Mistake(ORIGIN, "STORAGES", "storages of several places are mirrored", remedy)])
    if not found[0].bucket_name:
        remedy = "Write the name of the main bucket."
        raise ConfigError([Mistake(ORIGIN, "AWS_STORAGE_BUCKET_NAME", "the setting is missing", remedy)])
    return found[0]  # type: ignore[no-any-return]


def _place(bucket: str, storage: MainStorage) -> str:
    return f"{bucket}/{storage.location.strip('/')}".rstrip("/")


def _same(main: Alias, storage: MainStorage) -> bool:
    """Whether the main bucket would be mirrored to itself."""
    there = (str(of("ENDPOINT_URL")).rstrip("/"), of("STORAGE_BUCKET_NAME"))
    return (main.url, storage.bucket_name) == there


def _main(storage: MainStorage) -> Alias:
    """The server of the main bucket, with the keys that boto3 would use; raises ConfigError."""
    address = storage.endpoint_url or f"https://s3.{storage.region_name or 'us-east-1'}.amazonaws.com"
    try:
        address = syntax.url(address)
    except Wrong as wrong:
        raise ConfigError([Mistake(ORIGIN, "AWS_S3_ENDPOINT_URL", str(wrong), wrong.remedy)]) from None
    keys = storage.credentials()
    if keys is None:
        remedy = "Write both keys, or let boto3 find some: a profile, a role of the machine."
        what = "the main bucket has no access key"
        raise ConfigError([Mistake(ORIGIN, "AWS_S3_ACCESS_KEY_ID, AWS_S3_SECRET_ACCESS_KEY", what, remedy)])
    return Alias(
        f"{MAIN}-{re.sub('[^A-Za-z0-9]+', '-', address.partition('://')[2])}",
        address,
        Secret(keys[0]),
        Secret(keys[1]),
        Secret(keys[2]),
        api=APIS.get(storage.signature_version or "s3v4", "S3v4"),
        path=PATHS.get(storage.addressing_style or "", "auto"),
        region=storage.region_name or "",
        ca_file=storage.verify if isinstance(storage.verify, str) else "",
        insecure=storage.verify is False,
        origin=ORIGIN,
    )


def _missing() -> Iterator[Mistake]:
    for name, what in MANDATORY.items():
        if not of(name):
            yield Mistake(ORIGIN, PREFIX + name, "the setting is missing", f"Set it to {what}.")


def _unknown() -> Iterator[Mistake]:
    """Names that are nearly ours; the settings of the main bucket are django-storages' own business."""
    known = {PREFIX: [PREFIX + name for name in (*MANDATORY, *DEFAULTS)], "MCMIRROR_": list(OWN)}
    for name in dir(settings):
        for prefix, names in known.items():
            if name.startswith(prefix) and name not in names:
                guess = nearest(name, names)
                remedy = f"Did you mean {guess}?" if guess else f"There are {', '.join(names)}."
                yield Mistake(ORIGIN, name, "there is no such setting", remedy)


def _wrong() -> Iterator[Mistake]:
    for name, allowed in CHOICES.items():
        if of(name) not in allowed:
            remedy = f"Write {' or '.join(map(repr, allowed))}."
            yield Mistake(ORIGIN, PREFIX + name, f"{of(name)!r} is no such value", remedy)
    for name, read in (("ENDPOINT_URL", syntax.url), ("STORAGE_BUCKET_NAME", syntax.bucket)):
        try:
            if of(name):
                read(of(name))
        except Wrong as wrong:
            yield Mistake(ORIGIN, PREFIX + name, str(wrong), wrong.remedy)
    try:
        syntax.state(own("MCMIRROR_STATE"))
    except Wrong as wrong:
        yield Mistake(ORIGIN, "MCMIRROR_STATE", str(wrong), wrong.remedy)
    trigger = own("MCMIRROR_TRIGGER")
    if trigger not in TRIGGERS:
        yield Mistake(ORIGIN, "MCMIRROR_TRIGGER", f"{trigger!r} is no trigger", f"Write one of {', '.join(TRIGGERS)}.")
    elif trigger == "tasks" and django.VERSION < (6, 0):
        what = f"Django {django.get_version()} has no django.tasks"
        yield Mistake(ORIGIN, "MCMIRROR_TRIGGER", what, 'Take Django 6.1, or write "celery" or "cron".')
