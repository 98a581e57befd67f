"""The embedded store: records, cursors and the last snapshot in one DuckDB file.

Pages of records come in from sync and push; rows go out through read-only connections. Start with `store`: its
`Store` is all that other packages use. Below it, `database` owns the open file, `opening` finds out what state the
data directory is in, `passes` and `staging` keep pages of unfinished passes, and `merge` moves them into the tables.
"""
