"""The simulated company's calls, shaped as Aircall's API. Start with `api`."""
