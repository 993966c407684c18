output "genuine" {
  value = provider::polykomos::verify_webhook_signature(
    "whsec_0123456789abcdef",
    "{}",
    "sha256=a5ff1e8e4ab2c1e25bd3a0a8e7b8a8c1c5cda5c3a5f9e2a4d3f2e1c0b9a89788",
  )
}
