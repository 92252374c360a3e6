"""What moves objects: one room for each mover."""
