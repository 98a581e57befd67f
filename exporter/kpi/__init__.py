"""KPIs as pure functions of what the metrics measured.

In: the config, the freshness of each metric, and a function that answers questions about metrics. Out: an
`Evaluation` (values.py) with values, ratios, statuses and scores. Start reading at evaluate.py: it plans each KPI
(plan.py, on the company's calendar.py), reads values (readings.py), measures them against what is due (targets.py,
pace.py, ratio.py) and assigns a status (status.py). history.py does the same for many instants of the past at once:
judged_history.py judges each group with the same functions, but only where something about it changes.
"""
