# One configuration over four APIs. Keys and URLs come from the environment.
terraform {
  required_version = ">= 1.8"
  required_providers {
    polykomos = {
      source  = "polykomos/polykomos"
      version = "~> 0.1"
    }
    polytomic = {
      source  = "polytomic/polytomic"
      version = "~> 0.1"
    }
    polnor = {
      source  = "polnor/polnor"
      version = "~> 0.1"
    }
    pragma = {
      source  = "pragma/pragma"
      version = "~> 0.1"
    }
  }
}

# Polykomos: a database, its tables.
resource "polykomos_blueprint" "tables" {
  name        = "shop-tables"
  sql_content = <<-SQL
    CREATE TABLE orders (id int PRIMARY KEY, amount int NOT NULL);
    INSERT INTO orders VALUES (1, 40), (2, 2);
  SQL
}

resource "polykomos_database" "shop" {
  name = "shop"
}

resource "polykomos_blueprint_application" "tables" {
  database_uuid     = polykomos_database.shop.uuid
  blueprint_uuid    = polykomos_blueprint.tables.uuid
  blueprint_version = polykomos_blueprint.tables.version
}

# Polytomic: a query over the database.
data "polytomic_query" "totals" {
  connection_id = polykomos_blueprint_application.tables.database_uuid
  query         = "SELECT count(*) AS orders, sum(amount) AS amount FROM orders"
}

# Polnor: a job that reads the database, on request.
resource "polnor_job" "nightly" {
  name = "shop-nightly"
  tasks = [{
    key     = "report"
    command = "psql \"${polykomos_database.shop.connection_string}\" -Atc \"SELECT sum(amount) FROM orders\""
  }]
  depends_on = [polykomos_blueprint_application.tables]
}

# Pragma: what the platform knows of the database.
resource "pragma_resource" "shop" {
  provider_name   = "postgres"
  resource_type   = "database"
  name            = "shop"
  config          = { host = polykomos_database.shop.host, database = polykomos_database.shop.db_name }
  tags            = ["shop"]
  lifecycle_state = "pending"
}

output "totals" {
  value = data.polytomic_query.totals.results
}

output "job" {
  value = polnor_job.nightly.id
}

output "registered" {
  value = pragma_resource.shop.status
}
