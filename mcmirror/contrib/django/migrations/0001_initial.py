"""The table of the outbox; the backlog has one of mcmirror's own."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """As ``manage.py makemigrations`` writes it."""

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="MirrorItemTask",
            fields=[
                ("key", models.TextField(primary_key=True, serialize=False)),
                ("job", models.TextField()),
                ("gone", models.IntegerField()),
                ("state", models.IntegerField()),
                ("held", models.IntegerField()),
                ("attempts", models.IntegerField()),
                ("since", models.FloatField()),
                ("due", models.FloatField()),
                ("lease", models.FloatField()),
                ("owner", models.TextField()),
                ("error", models.TextField()),
                ("finished", models.FloatField()),
            ],
            options={
                "verbose_name": "mirrored item",
                "db_table": "backlog",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="MirrorRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("place", models.TextField()),
                ("key", models.TextField()),
                ("gone", models.BooleanField(default=False)),
                ("ready", models.BooleanField(default=True)),
                ("noted", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "verbose_name": "upload not handed over yet",
                "verbose_name_plural": "uploads not handed over yet",
            },
        ),
    ]
