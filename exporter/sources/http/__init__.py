"""One HTTP client for all providers. A path and parameters come in; parsed JSON or one classified error goes out.

Origin checks, credentials, rate limits, retries, deadlines, bounded bodies and paging live here. Start with `client`.
"""
