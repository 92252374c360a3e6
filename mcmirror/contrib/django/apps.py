"""The application as Django knows it."""

from django.apps import AppConfig
from django.core.checks import register


class MirrorConfig(AppConfig):
    """Has the label ``mcmirror``."""

    name = "mcmirror.contrib.django"
    label = "mcmirror"
    verbose_name = "Mirroring"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks and connect the signal."""
        from mcmirror.contrib.django.checks import check_settings
        from mcmirror.contrib.django.signals import mirror_object, on_mirror_object

        register(check_settings)
        mirror_object.connect(on_mirror_object, dispatch_uid="mcmirror")
