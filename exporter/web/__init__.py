"""The HTTP surface: scrapes, health checks and the status page, within limits. Start with `server`."""
