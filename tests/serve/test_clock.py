"""The machine's clock is set while ``serve`` runs."""
