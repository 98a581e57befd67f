"""A soak: a real Prometheus scrapes the exporter while its vendor fails, its labels explode and scrapers storm it."""
