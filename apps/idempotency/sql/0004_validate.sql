-- In a transaction of its own: it reads the whole table, and locks nobody out meanwhile.
ALTER TABLE idempotency_record VALIDATE CONSTRAINT idempotency_record_sound;
