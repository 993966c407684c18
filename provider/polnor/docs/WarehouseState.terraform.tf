resource "polnor_warehouse_state" "analytics" {
  warehouse_id = "wh_4a2b"
  state        = "running"
}
