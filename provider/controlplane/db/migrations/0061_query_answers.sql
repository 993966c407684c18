-- What the admin API has set queries in plain language to stand for. query_key: of query, without case and white space.
-- db_type: the engine that it is for; null = every engine.
CREATE TABLE query_answers (
    id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    query_key  text NOT NULL,
    query      text NOT NULL,
    sql        text NOT NULL,
    db_type    text,
    UNIQUE NULLS NOT DISTINCT (query_key, db_type)
);
