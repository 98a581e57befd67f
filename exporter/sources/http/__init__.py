"""One HTTP client policy for all providers: auth, rate limits, retries, paging and bounded bodies.

Start with `client`.
"""
