"""The past as Prometheus takes it: every family at many instants, as OpenMetrics with timestamps."""
