"""A local paginated API of 100,000 calls, served from prepared pages. Run as a module, it prints its port."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

ROWS, PAGE = 100_000, 500
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def row(number: int) -> dict[str, object]:
    """A call with ten configured fields and some others, about 530 bytes."""
    start = _BEGIN + timedelta(seconds=number * 60)
    return {
        "id": f"call-{number:08}",
        "agent": {"id": number % 500, "email": f"agent{number % 500}@example.com"},
        "direction": "inbound" if number % 3 else "outbound",
        "status": "answered" if number % 5 else "abandoned",
        "queue": f"queue {number % 12}",
        "started_at": start.isoformat(),
        "ended_at": (start + timedelta(seconds=number % 600)).isoformat(),
        "wait": number % 90,
        "talk": number % 500,
        "updated_at": start.isoformat(),
        "notes": "x" * 120,
        "tags": [{"name": "billing", "colour": "#ff0000"}, {"name": "second call", "colour": "#00ff00"}],
    }


def pages() -> list[bytes]:
    """All pages, encoded."""
    count = ROWS // PAGE
    return [
        json.dumps(
            {
                "data": [row(number) for number in range(page * PAGE, (page + 1) * PAGE)],
                "next": page + 1 if page + 1 < count else None,
            }
        ).encode()
        for page in range(count)
    ]


def main() -> None:
    """Serves until the process ends."""
    ready = pages()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            page = parse_qs(urlsplit(self.path).query).get("page", ["0"])[0]
            body = ready[int(page)]
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Logs nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
