"""The Prometheus side: an evaluation becomes families of samples, and those become the bytes that scrapes are served.

Start with `families`, which lists the samples of an evaluation. `render` writes them in `text_format`, a `snapshot`
holds the result until the next evaluation and across a restart, `self_metrics` are the exporter's own numbers, and
`formatting` writes numbers for people instead of Prometheus.
"""
