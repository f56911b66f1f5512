"""Migrations only expand: while one runs and until the last process of the release before has gone, that
release works on the new tables. docs/reliability.md says how a change that cannot be made so is taken apart.

`python -m scripts.migrations` looks at what each migration since the second release would send. A statement is let through
by `-- lint: allow expand-only because <reason>` on it, a whole migration by the same behind `#` in its file.
"""
