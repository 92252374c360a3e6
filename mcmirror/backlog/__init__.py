"""Items of a job that wait, worked off in batches by any number of processes."""
