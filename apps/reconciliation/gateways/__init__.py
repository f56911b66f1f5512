"""Places that files come from: requests out, checked replies in. No rules."""
