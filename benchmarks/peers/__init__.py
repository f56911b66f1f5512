"""Other frameworks on the same SQL functions."""
