CREATE TABLE orders (
  id     serial PRIMARY KEY,
  item   text NOT NULL,
  amount integer NOT NULL DEFAULT 1
);
