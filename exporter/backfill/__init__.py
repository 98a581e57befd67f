"""Evaluates the past and writes it as OpenMetrics for `promtool tsdb create-blocks-from openmetrics`.

In: the history of the records, freshness and steps. Out: one file with every series of every step. Start reading at
openmetrics_file.py: kpi/history.py evaluates all steps, part by part, history_tables.py makes rows of the results,
series_recorder.py collects them by series in a spool.py, and in the end all series are written one after the other.
"""
