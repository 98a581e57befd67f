"""The same sync with dlt's REST source into DuckDB. Runs in the peers' environment, so it imports nothing from the project."""

import os
import resource
import sys
import tempfile
import time

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["RUNTIME__LOG_LEVEL"] = "CRITICAL"

import dlt
from dlt.sources.rest_api import rest_api_source


def main() -> None:
    port, loader = sys.argv[1], sys.argv[2]
    with tempfile.TemporaryDirectory() as folder:
        before = time.process_time()
        source = rest_api_source(
            {
                "client": {
                    "base_url": f"http://127.0.0.1:{port}",
                    "paginator": {"type": "cursor", "cursor_path": "next", "cursor_param": "page"},
                },
                "resources": [
                    {
                        "name": "calls",
                        "primary_key": "id",
                        "write_disposition": "merge",
                        "endpoint": {"path": "calls", "data_selector": "data"},
                    }
                ],
            }
        )
        pipeline = dlt.pipeline(
            "bench", pipelines_dir=folder, destination=dlt.destinations.duckdb(f"{folder}/bench.duckdb")
        )
        options = {} if loader == "default" else {"loader_file_format": loader}
        pipeline.run(source, **options)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        sys.stdout.write(f"RESULT {time.process_time() - before} {peak}\n")


if __name__ == "__main__":
    main()
