"""The dashboards, one module each.

Start with `overview`; panels, queries and looks that several share stand one level up.
"""
