"""Validation of generated files: one module for each kind of file, each yielding problems as text. Start with `validate`."""
