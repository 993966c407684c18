resource "polykomos_blueprint" "tenants" {
  name        = "tenants"
  description = "A table of tenants with one in it."
  sql_content = <<-SQL
    CREATE TABLE tenants (id serial PRIMARY KEY, name text NOT NULL, seats int NOT NULL);
    INSERT INTO tenants (name, seats) VALUES ({{tenant}}, {{seats}});
  SQL

  variables = {
    tenant = { required = true, description = "Name of the first tenant." }
    seats  = { type = "number", default = 5 }
  }
}
