"""One module or package per vendor. Providers never import each other; `exporter.sources.registry` names them all."""
