"""A fake Aircall API that serves the calls of the simulated company. Start with `api`."""
