"""House rules that matter, as lints. `python -m scripts.lints` checks every tracked file.

A finding is silenced only by name and with a reason, at the end of its line:
`# lint: allow <rule> because <reason>` (in SQL files `-- lint: …`).
"""
