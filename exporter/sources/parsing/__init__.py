"""Turns a vendor's rows into records. Raw values come in; typed columns come out, and rejections with reasons.

Start with `rows` for providers that build each record themselves, and with `column_map` for those that the config
maps. `plausibility` defines which records the sync accepts.
"""
