"""Start, watch and stop everything Florin needs on one machine.

`python -m devservices up` gives a running stack from wheels alone: PostgreSQL, Redis, the sandbox
acquirer, web, worker, beat, relay and a mailbox, under one supervisor. Several stacks can run side by
side: each lives in its own state directory (`FLORIN_STATE_DIR`, default `<repository>/.florin`).
"""
