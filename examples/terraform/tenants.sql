CREATE TABLE tenants (id serial PRIMARY KEY, name text NOT NULL, seats int NOT NULL);
INSERT INTO tenants (name, seats) VALUES ({{tenant}}, {{seats}});
