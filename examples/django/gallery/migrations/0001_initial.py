"""The table of pictures."""

import uuid

from django.db import migrations, models

import gallery.models


class Migration(migrations.Migration):
    """As ``manage.py makemigrations`` writes it."""

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Picture",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("identifier", models.UUIDField(default=uuid.uuid4, unique=True)),
                ("file", models.FileField(max_length=255, upload_to=gallery.models.place)),
            ],
        ),
    ]
