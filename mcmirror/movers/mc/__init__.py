"""The only room that knows mc: find it, run it, its argv, its lines, its errors."""
