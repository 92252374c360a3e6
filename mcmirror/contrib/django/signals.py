"""For objects that come into the main bucket past the storage, such as presigned uploads."""

from typing import Any

from django.dispatch import Signal

mirror_object = Signal()
"""``mirror_object.send(sender, name="item/1/a.txt")``; ``gone=True`` for one that was deleted."""


def mirror(name: str, *, gone: bool = False) -> None:
    """Have the object of this name mirrored; ``name`` is what the storage calls it. Never raises."""
    from mcmirror.contrib.django.outbox import request

    request(name, gone=gone)


def on_mirror_object(sender: Any, name: str, *, gone: bool = False, **_: Any) -> None:
    """Receive ``mirror_object``."""
    del sender
    mirror(name, gone=gone)
