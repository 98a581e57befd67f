"""A token file that was changed and cannot be used, seen from outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.exporter_process import exporting
from tests.shop import CONFIG, TOKEN, send, today, won
from tests.waiting import until
from tests.web.live_server import get

USABLE = 'kpi_exporter_push_token_usable{source="shop"}'


@pytest.mark.parametrize("content", ["short", "", None])
def test_a_rejected_token_file_is_exposed_logged_and_shown_until_it_is_corrected(
    tmp_path: Path, content: str | None
) -> None:
    token, config, log = tmp_path / "token", tmp_path / "kpis.yaml", tmp_path / "log"
    token.write_text(TOKEN)
    config.write_text(CONFIG.replace("{env: SHOP_TOKEN}", f"{{file: {token}}}"))
    with log.open("wb") as file, exporting(config, tmp_path / "data", log=file.fileno()) as exporter:
        until(lambda: send(exporter, [won("a", closed_at=today())])[0] == 200)
        assert exporter.value(USABLE) == 1
        replace(token, content)
        until(lambda: send(exporter, [won("b", closed_at=today())])[0] == 503)
        until(lambda: exporter.value(USABLE) == 0)
        until(lambda: b"The token of shop cannot be used" in get(exporter.port, "/")[2])
        assert log.read_text().count("the token cannot be used, and posts get 503") == 1
        replace(token, TOKEN)
        until(lambda: send(exporter, [won("b", closed_at=today())])[0] == 200)
        assert exporter.value(USABLE) == 1
    assert TOKEN not in log.read_text()


def replace(path: Path, content: str | None) -> None:
    if content is None:
        path.unlink()
        return
    path.with_name("new").write_text(content)
    path.with_name("new").replace(path)
