"""One module or package for each vendor: its options come in, a `Source` with its pages of records goes out.

Providers never import each other; `exporter.sources.registry` names them all. `pipedrive` is a good one to read first.
"""
