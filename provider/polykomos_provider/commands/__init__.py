"""The commands of `polykomos`, one file each. They import most modules when they run, so that `--help` is fast."""
