"""What is remembered, and where: static data (`cache`, `cached_model`), what was made of rows that have not changed (`kept`), and
small values in Redis (`small_store`, over `wire`). All of it may be lost. docs/caching.md has the rules."""
