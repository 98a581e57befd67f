"""Evaluates everything in a config from the store, as of one instant.

In: a config, a store and an instant. Out: an `Evaluation` with metrics, KPIs, scores and undated records. Start
reading at evaluator.py; answer_cache.py decides which answers are still valid, freshness.py how far the data is known,
record_counts.py and first_records.py how much of it there is and since when.
"""
