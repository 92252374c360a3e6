"""The composition root: configuration -> jobs, engine, observers; once, or for months."""

from mcmirror.service.root import Service, Verb

__all__ = ["Service", "Verb"]
