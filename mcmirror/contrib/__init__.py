"""Thin shells round other people's engines, each an optional extra."""
