"""A Django application: what its storage uploads is mirrored to a second bucket, and verified."""

EXTRA = "pip install 'mcmirror[django]'"

try:
    import django  # noqa: F401
    import storages  # noqa: F401
except ModuleNotFoundError as missing:
    message = f"mcmirror.contrib.django cannot be used: {missing.name} is not installed. Install it: {EXTRA}"
    raise ModuleNotFoundError(message, name=missing.name) from None

from mcmirror.contrib.django.signals import mirror, mirror_object  # noqa: E402  Django has to be there

__all__ = ["mirror", "mirror_object"]
