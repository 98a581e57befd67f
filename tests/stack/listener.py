"""Runs inside the stack: an API that requires a token, and a webhook that receives alerts. Standard library only."""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

TOKEN, ALERTS = sys.argv[1], "/tmp/told"
PEOPLE = {"items": [{"id": "ada", "name": "Ada Lovelace", "team": "North"}]}


class Listener(BaseHTTPRequestHandler):
    """Answers /people to whoever has the token, and keeps what is posted."""

    def do_GET(self) -> None:
        """The people, or a refusal."""
        authorized = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        self.send_response(200 if authorized else 401)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(PEOPLE if authorized else {}).encode())

    def do_POST(self) -> None:
        """Keeps one message a line."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with open(ALERTS, "a") as log:  # noqa: PTH123 - runs where every import counts
            log.write(json.dumps({"path": self.path, "body": body}) + "\n")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok")


if __name__ == "__main__":
    HTTPServer(("0.0.0.0", 8099), Listener).serve_forever()
