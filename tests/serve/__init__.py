"""``mcmirror serve`` as a process, on real servers, while things go wrong."""
