"""Real servers for the tests, and a proxy that breaks them on command."""
