"""The commands of kpi-exporter, one module per command.

`exporter.cli` declares the options and calls `run` of a module, which does the work and returns the exit code. Expected
failures are raised as ExporterError. `options` has shared options, `progress` shows how far a long task is.
"""
