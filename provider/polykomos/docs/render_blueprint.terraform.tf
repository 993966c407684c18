output "sql" {
  value = provider::polykomos::render_blueprint(
    "INSERT INTO tenants (name) VALUES ({{tenant}});",
    { tenant = "O'Hara" },
    null,
  )
}

output "sql_for_mysql" {
  value = provider::polykomos::render_blueprint(
    "INSERT INTO {{table}} (path) VALUES ({{path}});",
    { table = "files", path = "C:\\temp" },
    {
      table = { type = "identifier", default = null, required = null, description = null }
      path  = { type = "string", default = null, required = null, description = null }
    },
    "mysql",
  )
}
