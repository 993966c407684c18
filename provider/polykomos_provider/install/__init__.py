"""The parts of `polykomos install`: they write plugins into the directories in which the engines look."""
