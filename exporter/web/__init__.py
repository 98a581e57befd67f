"""The HTTP surface: scrapes, pushes, health checks and the status page, within limits.

Start with `server`, which serves what the rest of the process puts into its `ServedState`. `limits` wraps every
request; `status_page` renders the page for people.
"""
