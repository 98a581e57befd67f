"""The running process: a config becomes a syncing, evaluating and serving engine that can be reloaded.

Start with `app`.
"""
