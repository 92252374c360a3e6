"""What must never be shown, as far as a process has met it."""

import threading
from collections.abc import Callable, Iterable

from mcmirror.model.redact import redactor


class KnownSecrets:
    """Grows with every secret that is resolved; every door to the outside redacts by it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._secrets = set[str]()
        self._redact: Callable[[str], str] = str

    def add(self, secrets: Iterable[str]) -> None:
        """Redact these from now on."""
        with self._lock:
            new = {secret for secret in secrets if secret} - self._secrets
            if new:
                self._secrets |= new
                self._redact = redactor(self._secrets)

    def redact(self, text: str) -> str:
        """The text without any of them."""
        return self._redact(text)
