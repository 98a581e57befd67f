"""KPIs as pure functions of what the metrics measured: periods, targets, ratios, pace, statuses and scores."""
