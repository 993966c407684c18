"""Where the vendor, the engines and the control plane meet: the command line and the plugins."""
