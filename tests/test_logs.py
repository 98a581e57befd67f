"""Lines that hold no secret, break no parser and make nobody wait."""

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

from exporter.logs import MASK, Outlet, Redactor, configure, secrets_in
from tests.exposition.sample import sample_config

pytestmark = pytest.mark.usefixtures("logging_as_before")


def written(shape: str, *secrets: str, level: str = "info") -> tuple[io.StringIO, Outlet]:
    stream = io.StringIO()
    redactor, outlet = configure(shape, level, stream)
    redactor.learn(secrets)
    return stream, outlet


def test_json_lines_carry_what_was_told_beside_the_message() -> None:
    stream, outlet = written("json")
    logging.getLogger("exporter.sync.pass_runner").info("pass done", extra={"source": "crm", "entity": "deals"})
    outlet.close()
    line = json.loads(stream.getvalue())
    assert line["logger"] == "sync.runner"
    assert (line["level"], line["message"], line["source"], line["entity"]) == ("info", "pass done", "crm", "deals")
    assert line["time"].endswith("+00:00")


@pytest.mark.parametrize("shape", ["json", "text"])
def test_hostile_names_stay_on_their_line(shape: str) -> None:
    stream, outlet = written(shape)
    logging.getLogger("exporter").warning('a\n{"level":"error"}\r\0 \ud800', extra={"owner": "x\ny"})
    outlet.close()
    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().isascii() or json.loads(stream.getvalue())


def test_text_lines_read_well() -> None:
    stream, outlet = written("text")
    logging.getLogger("exporter.runtime.app").info("serving", extra={"address": "127.0.0.1:9940"})
    outlet.close()
    assert stream.getvalue()[8:] == " info    app: serving (address=127.0.0.1:9940)\n"


@pytest.mark.parametrize("shape", ["json", "text"])
def test_a_traceback_is_told_without_its_secrets(shape: str) -> None:
    stream, outlet = written(shape, "s3cr3t-t0ken")
    try:
        raise ValueError("refused s3cr3t-t0ken")
    except ValueError:
        logging.getLogger("exporter").exception("failed")
    outlet.close()
    assert "ValueError: refused" in stream.getvalue()
    assert MASK in stream.getvalue()
    assert "s3cr3t-t0ken" not in stream.getvalue()


def test_libraries_are_heard_from_warnings_on() -> None:
    stream, outlet = written("text", level="debug")
    logging.getLogger("httpx").info("GET https://api/?key=1")
    logging.getLogger("some.library").info("chatter")
    logging.getLogger("some.library").warning("trouble")
    logging.getLogger("exporter.x").debug("detail")
    outlet.close()
    assert [line.split(": ", 1)[1] for line in stream.getvalue().splitlines()] == ["trouble", "detail"]


secrets = st.text(st.characters(codec="utf-8"), min_size=12, max_size=40)


@given(secrets, st.binary(max_size=5), st.binary(max_size=5))
def test_secrets_are_found_in_clear_in_urls_and_in_base64(secret: str, before: bytes, after: bytes) -> None:
    redactor = Redactor()
    redactor.learn([secret])
    coded = base64.b64encode(before + secret.encode() + after).decode()
    assert secret not in redactor.clean(f"a {secret} b")
    assert quote(secret, safe="") not in redactor.clean(f"https://x/?k={quote(secret, safe='')}&y")
    assert coded not in redactor.clean(f"Basic {coded}")


def test_of_two_secrets_that_overlap_nothing_is_left() -> None:
    redactor = Redactor()
    redactor.learn(["token-x", "token-x-long"])
    redactor.learn(["later-secret"])
    assert redactor.clean("token-x-long token-x later-secret") == f"{MASK} {MASK} {MASK}"


def test_a_short_secret_does_not_mask_every_word() -> None:
    redactor = Redactor()
    redactor.learn(["ab", ""])
    assert redactor.clean("abc about") == "abc about"


def test_the_secrets_of_a_config_are_found_wherever_they_stand(tmp_path: Path) -> None:
    (tmp_path / "hook").write_text("https://hooks.example/T0KEN\n")
    config = sample_config(
        contacts=[
            {"name": "a", "slack": {"webhook": {"file": "hook"}}},
            {"name": "b", "teams": {"webhook": {"env": "NOT_SET"}}},
        ]
    )
    assert set(secrets_in(config, {"TOKEN": "crm-token"}, tmp_path)) == {"crm-token", "https://hooks.example/T0KEN"}


class Stuck(io.StringIO):
    """A pipe that nobody reads until it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.free = Event()

    def write(self, text: str) -> int:
        self.free.wait(10)
        return super().write(text)


def test_nobody_waits_for_a_reader_and_what_is_dropped_is_counted() -> None:
    stream = Stuck()
    outlet = Outlet(stream, most=3)
    for number in range(50):
        outlet.emit(logging.makeLogRecord({"msg": f"line {number}"}))
    assert outlet.dropped >= 46
    stream.free.set()
    outlet.close()
    assert stream.getvalue().startswith("line 0\n")


def test_a_sink_that_fails_stops_nobody() -> None:
    with Path("/dev/full").open("w") as full:
        outlet = Outlet(full)
        outlet.emit(logging.makeLogRecord({"msg": "x"}))
        outlet.close()
        with pytest.raises(OSError, match="space"):
            full.close()
