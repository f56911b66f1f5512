"""What finance staff do by hand."""
