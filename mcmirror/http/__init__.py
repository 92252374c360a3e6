"""The HTTP server of `mcmirror serve`: health, metrics, the API and its stream of events, on one port."""
