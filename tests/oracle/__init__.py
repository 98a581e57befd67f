"""The whole product against a second opinion: an oracle that computes every figure record by record.

The oracle is written from the definitions alone. It reads the config as YAML and records as dicts, loops over them,
and imports nothing of the exporter. Start at kpis.py. companies.py generates companies and their lives, life.py lives
them in a real store.
"""
