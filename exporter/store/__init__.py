"""The embedded store: records, cursors and the last snapshot in one DuckDB file."""
