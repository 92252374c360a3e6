"""Runs elsewhere: what a master and its agents say to each other, sealed; a run at a distance, and an agent's work."""
