"""What merchants are written, as text."""
