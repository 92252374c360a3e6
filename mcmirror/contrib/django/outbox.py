"""The outbox: what was uploaded or deleted, in Django's own database until a trigger hands it to the backlog.

A row is written in the transaction of the caller, so it is there exactly when what the caller wrote is there. Outside
of a transaction it is written before the upload and marked ready after it. Rows are only added, never changed by
another upload: two transactions never wait for each other.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import router, transaction

from mcmirror.contrib.django.configuration import main_storage
from mcmirror.contrib.django.triggers import kick

log = logging.getLogger("mcmirror.django")
FINDS_IT = "manage.py prepare_mirroring_items_history finds it."


class Upload:
    """One upload or deletion, from its beginning to its end. Never raises: an upload does not fail for the mirror."""

    def __init__(self, place: str, key: str, *, gone: bool = False) -> None:
        self._place, self._key, self._gone = place, key, gone
        self._row = 0

    def begin(self) -> None:
        """Write it down, unless a transaction is open: a row of that would be seen by nobody before its end."""
        from mcmirror.contrib.django.models import MirrorRequest

        try:
            using = router.db_for_write(MirrorRequest)
            if not transaction.get_connection(using).in_atomic_block:
                self._row = self._insert(using, ready=False)
        except Exception as error:  # noqa: BLE001  whatever it is, the upload goes on
            self._missed(error)

    def finish(self) -> None:
        """The object is there, or gone, or nobody knows: the mirror is to look at it."""
        from mcmirror.contrib.django.models import MirrorRequest

        try:
            using = router.db_for_write(MirrorRequest)
            # A transaction of its own, inside of the caller's: an error here spoils that not.
            with transaction.atomic(using=using):
                mine = MirrorRequest.objects.using(using).filter(pk=self._row)
                if not (self._row and mine.update(ready=True)):
                    self._insert(using, ready=True)
            transaction.on_commit(kick, using=using, robust=True)
        except Exception as error:  # noqa: BLE001
            self._missed(error)

    def _insert(self, using: str, *, ready: bool) -> int:
        from mcmirror.contrib.django.models import MirrorRequest

        row = MirrorRequest(place=self._place, key=self._key, gone=self._gone, ready=ready)
        row.save(using=using, force_insert=True)
        return int(row.pk)

    def _missed(self, error: Exception) -> None:
        log.error("%s could not be put into the outbox of the mirror\n  why: %s: %s\n  do:  %s",
                  self._key, type(error).__name__, error, FINDS_IT)  # fmt: skip


@contextmanager
def noted(place: str, key: str, *, gone: bool = False) -> Iterator[None]:
    """Note what the block does with the object, however it ends: an answer that was lost proves nothing."""
    upload = Upload(place, key, gone=gone)
    upload.begin()
    try:
        yield
    finally:
        upload.finish()


def request(name: str, *, gone: bool = False) -> None:
    """Have the object of this name mirrored, which came past the storage. Never raises."""
    try:
        storage = main_storage()
        key = storage.key_of(name)
    except Exception as error:  # noqa: BLE001
        Upload("", name)._missed(error)  # noqa: SLF001
        return
    Upload(storage.place, key, gone=gone).finish()
