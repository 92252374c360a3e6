"""What is at a place, from its listings: in key order, each key once."""
