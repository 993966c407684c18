resource "pragma_provider_code" "code" {
  provider_name  = "my-provider"
  archive        = "provider.tar.gz"
  archive_sha256 = filesha256("provider.tar.gz")
}
