"""Business metrics, answered by SQL on the store.

In: the config, a reader of the store, and `Question`s (values.py): a metric, a window and a scope. Out: `Answers`
with a number for each group. Start reading at evaluate.py, which groups questions into queries: query.py builds
them from rows.py (which rows), columns.py (columns and conditions) and aggregates.py (numbers). people.py and
exchange_rates.py supply who owns a record and what an amount is worth; lookup_tables.py makes both joinable.
instants.py answers for many windows at once: many_windows.py and segments.py read what changed, running_values.py adds
it up to runs.py, from one change to the next.
"""
