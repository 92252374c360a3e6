"""Settings from variables. What mirroring needs stands at the end."""

import os
from pathlib import Path
from urllib.parse import urlsplit

HERE = Path(__file__).resolve().parent
SECRET_KEY = os.environ["DJANGO_SECRET_KEY"]
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
DEBUG = False
ROOT_URLCONF = "gallery.urls"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "static/"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "gallery",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [HERE / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

_database = urlsplit(os.environ["DATABASE_URL"])
if _database.scheme == "sqlite":
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": _database.path}}
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": _database.path.removeprefix("/"),
            "USER": _database.username,
            "PASSWORD": _database.password or "",
            "HOST": _database.hostname,
            "PORT": _database.port or "",
        }
    }

# The main bucket, as django-storages reads it. Only the backend is another one.
STORAGES = {
    "default": {
        "BACKEND": os.environ.get("STORAGES_DEFAULT_BACKEND", "mcmirror.contrib.django.storage.S3MirroringStorage")
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
AWS_S3_ACCESS_KEY_ID = os.environ.get("AWS_S3_ACCESS_KEY_ID")
AWS_S3_SECRET_ACCESS_KEY = os.environ.get("AWS_S3_SECRET_ACCESS_KEY")
AWS_S3_ENDPOINT_URL = os.environ.get("AWS_S3_ENDPOINT_URL")
AWS_S3_REGION_NAME = os.environ.get("AWS_S3_REGION_NAME")
AWS_STORAGE_BUCKET_NAME = os.environ.get("AWS_STORAGE_BUCKET_NAME")
AWS_LOCATION = os.environ.get("AWS_LOCATION", "")

# Mirroring is on when the backend is one of mcmirror's. To have it always, write the application into INSTALLED_APPS.
if STORAGES["default"]["BACKEND"].startswith("mcmirror."):
    INSTALLED_APPS.append("mcmirror.contrib.django")

# The mirroring bucket. Five are mandatory; manage.py check names those that are missing.
for _name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "STORAGE_BUCKET_NAME", "ENDPOINT_URL", "REGION_NAME",
              "SIGNATURE_VERSION", "REQUEST_CHECKSUM_CALCULATION", "RESPONSE_CHECKSUM_VALIDATION"):  # fmt: skip
    globals()[f"AWS_S3_MIRRORING_{_name}"] = os.environ.get(f"AWS_S3_MIRRORING_{_name}")
AWS_S3_MIRRORING_REMOVE = os.environ.get("AWS_S3_MIRRORING_REMOVE") == "true"
MCMIRROR_STATE = os.environ["MCMIRROR_STATE"]
MCMIRROR_MC = os.environ.get("MCMIRROR_MC", "")
MCMIRROR_TRIGGER = os.environ.get("MCMIRROR_TRIGGER", "cron")

# Only for MCMIRROR_TRIGGER = "celery".
CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL", "")
