# True: the last argument is what the endpoint's secret makes of the body.
output "genuine" {
  value = provider::polykomos::verify_webhook_signature(
    "whsec_0123456789abcdef",
    "{\"type\":\"ping\"}",
    "sha256=c29b96f22c69d1f115858861147af900364f1d106f302675d5f84db9551ac731",
  )
}
