"""From a frozen data set to bytes: pure functions, the same bytes for the same input."""
