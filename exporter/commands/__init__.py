"""One module per command: what it does once its options are understood."""
