"""The rules of payments that could be explained on paper: plain Python, no I/O."""
