"""Checks that a schema cannot express: references, columns, targets, files.

Each module covers one subject and yields findings: `errors` make a config unusable, `warnings` are probably mistakes.
They receive a CheckContext. Start with `run`, which calls them all.
"""
