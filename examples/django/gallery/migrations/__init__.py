"""The table of pictures."""
