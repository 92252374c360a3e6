"""The verbs: compare, guard, run, execute."""
