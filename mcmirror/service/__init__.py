"""The composition root: configuration -> jobs, engine, observers; once, or for months."""

from mcmirror.service.root import Service

__all__ = ["Service"]
