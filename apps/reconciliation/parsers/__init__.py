"""Bytes of one format in, statements and lines out. A parser knows nothing of our books."""
