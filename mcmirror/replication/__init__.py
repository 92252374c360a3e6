"""Replication by the servers: desired state, observed state, the difference between them, and applying it."""
