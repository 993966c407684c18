"""The Pulumi adapter: pulumirpc on one side, declarations on the other."""
