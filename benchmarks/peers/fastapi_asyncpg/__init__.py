"""The same product on FastAPI and asyncpg: what a modern async stack gets out of the same SQL functions.

What is the same: the database, its functions and statements; how a request is decoded, what is decided
and how objects are rendered (Florin's shapes, flows and renderers are imported: any implementation has
to do that work, and copying it would only measure the copy); the HTTP client that asks the acquirer; the
rule that a key looked up is believed for half a second.

What is different: FastAPI routes, resolves dependencies and answers; asyncpg talks to PostgreSQL, with
its own statement cache and jsonb codec, over as many connections per worker as Florin's hot pool has;
and every write is a call and a commit of its own, as it comes in: no group commit. Rate limits and the
scopes of keys are spared.
"""
