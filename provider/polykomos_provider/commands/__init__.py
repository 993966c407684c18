"""The commands of `polykomos`, one file each. They import what they need when they run: `--help` is quick."""
