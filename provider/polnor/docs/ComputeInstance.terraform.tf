resource "polnor_compute_instance" "trainer" {
  name      = "training-a100"
  flavor    = "gpu.a100"
  auto_stop = "never"
  state     = "running"
}
