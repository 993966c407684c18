"""Pure decisions over plain values: check, diff and the planned state. Knows no engine, no API, no I/O."""
