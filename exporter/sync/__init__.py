"""Syncing: when each source is read, and how its pages reach the store.

Sources and their schedules come in, published passes and reports to an observer go out. Start with `scheduler`, which
runs one `source_loop` for each source; `schedule` decides what is due, `pass_runner` makes a pass, and `page_writer`
stages its pages. `once` makes a single pass over everything.
"""
