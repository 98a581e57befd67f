"""Log lines contain no secrets, can be parsed, and never block the program."""

from __future__ import annotations

import base64
import io
import json
import logging
from pathlib import Path
from threading import Event
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.logs import MASK, Redactor, ThreadedHandler, configure, secrets_in
from tests.exposition.sample import sample_config

pytestmark = pytest.mark.usefixtures("logging_as_before")


def configured(log_format: str, *secrets: str, level: str = "info") -> tuple[io.StringIO, ThreadedHandler]:
    stream = io.StringIO()
    redactor, handler = configure(log_format, level, stream)
    redactor.learn(secrets)
    return stream, handler


def test_json_lines_contain_the_extra_fields() -> None:
    stream, handler = configured("json")
    logging.getLogger("exporter.sync.pass_runner").info("pass done", extra={"source": "crm", "entity": "deals"})
    handler.close()
    line = json.loads(stream.getvalue())
    assert line["logger"] == "sync.pass_runner"
    assert (line["level"], line["message"], line["source"], line["entity"]) == ("info", "pass done", "crm", "deals")
    assert line["time"].endswith("+00:00")


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_hostile_values_stay_on_one_line(log_format: str) -> None:
    stream, handler = configured(log_format)
    logging.getLogger("exporter").warning('a\n{"level":"error"}\r\0 \ud800', extra={"owner": "x\ny"})
    handler.close()
    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().isascii() or json.loads(stream.getvalue())


def test_a_text_line_has_time_level_logger_and_fields() -> None:
    stream, handler = configured("text")
    logging.getLogger("exporter.runtime.app").info("serving", extra={"address": "127.0.0.1:9940"})
    handler.close()
    assert stream.getvalue()[8:] == " info    runtime.app: serving (address=127.0.0.1:9940)\n"


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_a_traceback_is_logged_without_secrets(log_format: str) -> None:
    stream, handler = configured(log_format, "s3cr3t-t0ken")
    try:
        raise ValueError("refused s3cr3t-t0ken")
    except ValueError:
        logging.getLogger("exporter").exception("failed")
    handler.close()
    assert "ValueError: refused" in stream.getvalue()
    assert MASK in stream.getvalue()
    assert "s3cr3t-t0ken" not in stream.getvalue()


def test_libraries_log_only_warnings_and_errors() -> None:
    stream, handler = configured("text", level="debug")
    logging.getLogger("httpx").info("GET https://api/?key=1")
    logging.getLogger("some.library").info("chatter")
    logging.getLogger("some.library").warning("trouble")
    logging.getLogger("exporter.x").debug("detail")
    handler.close()
    assert [line.split(": ", 1)[1] for line in stream.getvalue().splitlines()] == ["trouble", "detail"]


secrets = st.text(st.characters(codec="utf-8"), min_size=12, max_size=40)


@given(secrets, st.binary(max_size=5), st.binary(max_size=5))
def test_secrets_are_masked_as_text_in_urls_and_in_base64(secret: str, before: bytes, after: bytes) -> None:
    redactor = Redactor()
    redactor.learn([secret])
    coded = base64.b64encode(before + secret.encode() + after).decode()
    assert secret not in redactor.clean(f"a {secret} b")
    assert quote(secret, safe="") not in redactor.clean(f"https://x/?k={quote(secret, safe='')}&y")
    assert coded not in redactor.clean(f"Basic {coded}")


def test_overlapping_secrets_are_masked_completely() -> None:
    redactor = Redactor()
    redactor.learn(["token-x", "token-x-long"])
    redactor.learn(["later-secret"])
    assert redactor.clean("token-x-long token-x later-secret") == f"{MASK} {MASK} {MASK}"


def test_a_short_secret_does_not_mask_every_word() -> None:
    redactor = Redactor()
    redactor.learn(["ab", ""])
    assert redactor.clean("abc about") == "abc about"


def test_secrets_of_a_config_are_collected_from_every_section(tmp_path: Path) -> None:
    (tmp_path / "hook").write_text("https://hooks.example/T0KEN\n")
    config = sample_config(
        contacts=[
            {"name": "a", "slack": {"webhook": {"file": "hook"}}},
            {"name": "b", "teams": {"webhook": {"env": "NOT_SET"}}},
        ]
    )
    assert set(secrets_in(config, {"TOKEN": "crm-token"}, tmp_path)) == {"crm-token", "https://hooks.example/T0KEN"}


class BlockedStream(io.StringIO):
    """A pipe that nobody reads until `unblocked` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.unblocked = Event()

    def write(self, text: str) -> int:
        self.unblocked.wait(10)
        return super().write(text)


def test_logging_does_not_block_and_dropped_lines_are_counted() -> None:
    stream = BlockedStream()
    handler = ThreadedHandler(stream, max_lines=3)
    for number in range(50):
        handler.emit(logging.makeLogRecord({"msg": f"line {number}"}))
    assert handler.dropped >= 46
    stream.unblocked.set()
    handler.close()
    assert stream.getvalue().startswith("line 0\n")


def test_a_failing_stream_does_not_stop_the_program() -> None:
    with Path("/dev/full").open("w") as full:
        handler = ThreadedHandler(full)
        handler.emit(logging.makeLogRecord({"msg": "x"}))
        handler.close()
        with pytest.raises(OSError, match="space"):
            full.close()
