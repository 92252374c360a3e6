"""Storages whose uploads are mirrored; the main bucket is used as django-storages uses it."""

import logging
from collections.abc import Callable
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.storage import Storage
from storages.backends.s3 import S3File, S3Storage
from storages.utils import clean_name

from mcmirror.contrib.django.configuration import of
from mcmirror.contrib.django.outbox import Upload, noted

log = logging.getLogger(__name__)


class S3MirroringStorage(S3Storage):
    """django-storages' S3 storage; what is saved or deleted is put into the outbox for the mirror."""

    is_mirrored = True

    @property
    def place(self) -> str:
        """The server and the bucket, by which the outbox knows what belongs here."""
        return f"{(self.endpoint_url or 'https://s3.amazonaws.com').rstrip('/')}/{self.bucket_name}"

    def credentials(self) -> tuple[str, str, str] | None:
        """The access key, secret key and session token that boto3 uses for the main bucket."""
        found = self._create_session().get_credentials()
        if found is None:
            return None
        now = found.get_frozen_credentials()
        return now.access_key or "", now.secret_key or "", now.token or ""

    def key_of(self, name: str) -> str:
        """The key of the main bucket that the object of this name has."""
        return str(self._normalize_name(clean_name(name)))

    def _save(self, name: str, content: Any) -> str:
        with noted(self.place, self.key_of(name)):
            return str(super()._save(name, content))

    def delete(self, name: str) -> None:
        """Delete the object; the mirror follows if ``AWS_S3_MIRRORING_REMOVE`` is true."""
        with noted(self.place, self.key_of(name), gone=True):
            super().delete(name)

    def _open(self, name: str, mode: str = "rb") -> Any:
        if "w" not in mode:
            return super()._open(name, mode)
        return MirroredFile(self.key_of(name), mode, self)


class MirroredFile(S3File):
    """A file that is written piece by piece; it is there once it is closed."""

    def __init__(self, key: str, mode: str, storage: S3MirroringStorage) -> None:
        super().__init__(key, mode, storage)
        self._upload: Upload | None = Upload(storage.place, key)
        self._upload.begin()

    def close(self) -> None:
        """Complete the upload."""
        try:
            super().close()
        finally:
            upload, self._upload = self._upload, None
            if upload is not None:
                upload.finish()


class MirroredReadStorage(S3MirroringStorage):
    """Reads from the mirror what the main bucket has not, and everything while the main bucket is down.

    ``url`` asks the main bucket for the object first: one request for each address. Writing needs the main bucket.
    """

    _mirror: Storage | None = None

    @property
    def mirror(self) -> Storage:
        """The mirroring bucket, to be read from."""
        if self._mirror is None:
            self._mirror = mirror_storage(self)
        return self._mirror

    def _open(self, name: str, mode: str = "rb") -> Any:
        if "w" in mode:
            return super()._open(name, mode)
        return self._either("open", name, super()._open, self.mirror._open, mode)  # noqa: SLF001  a storage's own way

    def exists(self, name: str) -> bool:
        """Whether one of the two buckets has the object."""
        here = super().exists

        def look(name: str) -> bool:
            if not here(name):
                raise FileNotFoundError(name)
            return True

        return bool(self._either("exists", name, look, self.mirror.exists))

    def size(self, name: str) -> int:
        """The object's size in bytes."""
        return int(self._either("size", name, super().size, self.mirror.size))

    def url(self, name: str, parameters: Any = None, expire: Any = None, http_method: Any = None) -> str:
        """An address in the bucket that has the object now; in the main bucket when neither has it."""
        here = super().url

        def look(name: str) -> str:
            if not S3MirroringStorage.exists(self, name):
                raise FileNotFoundError(name)
            return str(here(name, parameters, expire, http_method))

        def there(name: str) -> str:
            try:
                found = self.mirror.exists(name)
            except (BotoCoreError, ClientError):
                found = False
            from_there: Any = self.mirror.url
            return str((from_there if found else here)(name, parameters, expire, http_method))

        return str(self._either("url", name, look, there))

    def _either(
        self, what: str, name: str, here: Callable[..., Any], there: Callable[..., Any], *arguments: Any
    ) -> Any:
        try:
            return here(name, *arguments)
        except FileNotFoundError:
            pass
        except (BotoCoreError, ClientError) as error:
            if not _is_down(error):
                raise
            log.warning("%s of %s asks the mirror: the main bucket does not answer (%s)", what, name, error)
        return there(name, *arguments)


def mirror_storage(main: S3MirroringStorage) -> Storage:
    """The mirroring bucket as a storage of its own, with the location of the main one."""
    config = Config(
        s3={"addressing_style": main.addressing_style},
        signature_version=of("SIGNATURE_VERSION"),
        request_checksum_calculation=of("REQUEST_CHECKSUM_CALCULATION"),
        response_checksum_validation=of("RESPONSE_CHECKSUM_VALIDATION"),
    )
    storage: Storage = S3Storage(
        access_key=of("ACCESS_KEY_ID"),
        secret_key=of("SECRET_ACCESS_KEY"),
        security_token=None,
        session_profile=None,
        bucket_name=of("STORAGE_BUCKET_NAME"),
        endpoint_url=of("ENDPOINT_URL"),
        region_name=of("REGION_NAME"),
        custom_domain=None,
        verify=None,
        client_config=config,
        location=main.location,
        querystring_auth=main.querystring_auth,
        querystring_expire=main.querystring_expire,
    )
    return storage


def _is_down(error: Exception) -> bool:
    """Whether the server is at fault, and no right or name."""
    if isinstance(error, ClientError):
        return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) >= 500
    return True
