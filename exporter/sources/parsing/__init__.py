"""From vendors' JSON and CSV values to checked records. Start with `rows`."""
