"""The running process: turns settings and a config file into an engine that syncs, evaluates, serves and reloads.

Start with `app`, which opens the store and the web server. `reload` decides which `engine` runs; an engine syncs the
`source_jobs` of one config, and its `publisher` evaluates the KPIs and serves the result. `reporter` counts all of it.
"""
