-- The instance came from the pool: something was built, though the database may not have been handed over yet.
ALTER TABLE databases ADD is_pooled boolean NOT NULL DEFAULT false;
