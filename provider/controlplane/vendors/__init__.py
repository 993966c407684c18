"""Reference servers of other vendors' APIs, on the kernel and the databases of the control plane."""
