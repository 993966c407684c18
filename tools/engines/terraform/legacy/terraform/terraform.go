// Package terraform replaces a package that only Terraform's own tests import.
package terraform
