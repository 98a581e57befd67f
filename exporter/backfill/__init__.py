"""Evaluates the past and writes it as OpenMetrics for `promtool tsdb create-blocks-from openmetrics`.

In: the replayed records, freshness and steps. Out: one file with every series of every step. Start reading at
openmetrics_file.py: steps.py splits the steps into shares, workers.py evaluates each share in a process of its own,
series_recorder.py collects samples by series in a spool.py, and the spools are merged.
"""
