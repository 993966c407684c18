output "sql" {
  value = provider::polykomos::render_blueprint(
    "INSERT INTO tenants (name) VALUES ({{tenant}});",
    { tenant = "O'Hara" },
    null,
  )
}
