"""FastAPI and asyncpg on the same SQL functions."""
