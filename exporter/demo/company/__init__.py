"""The simulated company: its staff, and the deals, leads, tickets and calls of every day since its first.

A seed and a date go in, `entities` come out. Start with `company`, which draws each day from `sales`, `service` and
`phones`.
"""
