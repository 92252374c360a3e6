"""Dataclasses to JSON documents and back: one way for standard output, files, the store, messages and HTTP."""
