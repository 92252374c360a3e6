"""Real time: events mark keys as dirty, batches make them equal, full runs heal what events lost."""
