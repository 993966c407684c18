"""Pure decisions over plain values: validation, diff and planned state. No engine, no API, no I/O."""
