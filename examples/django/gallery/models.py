"""A picture with its file."""

import uuid

from django.db import models


def place(picture: "Picture", name: str) -> str:
    """Each file lies in a folder of its own: item/UUID/name."""
    return f"item/{picture.identifier}/{name}"


class Picture(models.Model):
    """Something that somebody has uploaded."""

    identifier = models.UUIDField(default=uuid.uuid4, unique=True)
    file = models.FileField(upload_to=place, max_length=255)

    def __str__(self) -> str:
        return self.file.name
