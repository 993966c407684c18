// Managed PostgreSQL and MySQL databases, versioned SQL blueprints and webhook endpoints.
package polykomos
