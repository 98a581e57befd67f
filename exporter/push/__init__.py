"""Records that others post: from an HTTP body to the store, acknowledged once they are durable.

Start with `endpoint`.
"""
