"""Who may request what: users, hosts, rate and response headers, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from exporter import naming
from exporter.exposition.self_metrics import SelfMetrics
from exporter.web.hosts import AllowedHosts
from exporter.web.server import ServedState
from tests.exposition.sample import sample_snapshot, sample_state
from tests.fakes.certificates import Authority
from tests.web.live_server import basic, exchange, get, parsed, running
from tests.web.web_configs import PASSWORD, hashed, secured, tls_section

RIGHT = basic("prometheus", PASSWORD)
PATHS = ["/metrics", "/", "/-/healthy", "/-/ready", "/nothing"]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> ServedState:
    web = tmp_path_factory.mktemp("web") / "web.yml"
    web.write_text(f"basic_auth_users: {{prometheus: {hashed()}, grafana: {hashed('other')}}}")
    state = sample_state()
    secured(state, web)
    return state


@pytest.fixture(scope="module")
def port(state: ServedState) -> Iterator[int]:
    with running(state) as port:
        yield port


@pytest.mark.parametrize("path", PATHS)
def test_every_path_needs_a_password(port: int, path: str) -> None:
    status, headers, body = get(port, path)
    assert (status, body) == (401, b"Unauthorized\n")
    assert headers["www-authenticate"].startswith("Basic realm=")
    assert headers["x-content-type-options"] == "nosniff"
    assert get(port, path, RIGHT)[0] == (404 if path == "/nothing" else 200)


@pytest.mark.parametrize(
    "header",
    [
        basic("prometheus", "wrong"), basic("prometheus", ""), basic("nobody", PASSWORD), basic("grafana", PASSWORD),
        basic("prometheus", "x" * 73), basic("prometheus", "x" * 9000), basic("prometheus", "a\0b"), basic("", ""),
        "Authorization: Basic", "Authorization: Basic !!!", "Authorization: Basic cHJvbWV0aGV1cw==",
        "Authorization: Basic /////w==", "Authorization: Bearer token", "Authorization: " + "x" * 9000,
        f"{RIGHT}\r\n{basic('prometheus', 'wrong')}",
    ],
)  # fmt: skip
def test_wrong_credentials_are_unauthorized_and_never_an_error(port: int, header: str) -> None:
    assert get(port, "/metrics", header)[0] == 401


def test_right_scrapes_pass_while_wrong_passwords_flood_in(port: int, state: ServedState) -> None:
    before = state.self_metrics.value(naming.HTTP_REJECTED, "unauthorized") or 0
    with ThreadPoolExecutor(100) as pool:
        flood = [pool.submit(get, port, "/metrics", basic("prometheus", f"wrong{n}")) for n in range(100)]
        scrapes = [get(port, "/metrics", RIGHT)[0] for _ in range(20)]
        assert {attempt.result()[0] for attempt in flood} == {401}
    assert scrapes == [200] * 20
    assert state.self_metrics.value(naming.HTTP_REJECTED, "unauthorized") == before + 100


def test_posts_bring_their_own_token_instead(port: int) -> None:
    """Both credentials would need the same header."""
    assert get(port, "/push/crm", "Authorization: Bearer x", method="POST")[0] == 503  # the exporter is starting


def test_a_refused_body_is_discarded(port: int) -> None:
    head = b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n"
    assert parsed(exchange(port, head + b"x" * 3_000_000))[0] == 401


def people_state(tmp_path: Path, web: str, people: str | None = None) -> ServedState:
    state = ServedState(SelfMetrics(), sample_snapshot(separate=True))
    (tmp_path / "web.yml").write_text(web)
    if people is not None:
        (tmp_path / "people.yml").write_text(people)
    secured(state, tmp_path / "web.yml", tmp_path / "people.yml" if people is not None else None)
    return state


def test_people_have_users_of_their_own(tmp_path: Path) -> None:
    web, people = f"basic_auth_users: {{all: {hashed()}}}", f"basic_auth_users: {{hr: {hashed('other')}}}"
    everyone, hr = basic("all", PASSWORD), basic("hr", "other")
    with running(people_state(tmp_path, web, people)) as port:
        assert [get(port, path, everyone)[0] for path in ("/metrics", "/", "/metrics/people")] == [200, 200, 401]
        assert [get(port, path, hr)[0] for path in ("/metrics", "/", "/metrics/people")] == [401, 401, 200]
        assert get(port, "/metrics%2fpeople", everyone)[0] == 401
        assert get(port, "/metrics/people", hr)[2].count(b"person_kpi_value")


def test_without_users_of_their_own_people_are_withheld_from_a_restricted_server(tmp_path: Path) -> None:
    with running(people_state(tmp_path, f"basic_auth_users: {{all: {hashed()}}}")) as port:
        status, _, body = get(port, "/metrics/people", basic("all", PASSWORD))
    assert status == 403
    assert b"--web.people.config.file" in body


def test_people_can_be_the_only_part_with_users(tmp_path: Path) -> None:
    people = f"basic_auth_users: {{hr: {hashed()}}}"
    with running(people_state(tmp_path, "", people)) as port:
        assert get(port, "/metrics")[0] == 200
        assert get(port, "/metrics/people")[0] == 401
        assert get(port, "/metrics/people", basic("hr", PASSWORD))[0] == 200


def test_configured_headers_replace_ours_on_every_response(tmp_path: Path) -> None:
    headers = "{X-Frame-Options: sameorigin, Strict-Transport-Security: max-age=60, Content-Security-Policy: default-src 'self'}"
    state = people_state(tmp_path, f"http_server_config: {{headers: {headers}}}\nbasic_auth_users: {{all: {hashed()}}}")
    with running(state) as port:
        for path, user in (("/metrics", "all"), ("/", "all"), ("/nothing", "all"), ("/metrics", "nobody")):
            response = exchange(
                port, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{basic(user, PASSWORD)}\r\n\r\n".encode()
            )
            head = response.partition(b"\r\n\r\n")[0].lower()
            assert head.count(b"x-frame-options: sameorigin") == head.count(b"x-frame-options") == 1
            assert head.count(b"content-security-policy: default-src 'self'") == head.count(b"content-security") == 1
            assert b"strict-transport-security: max-age=60" in head
            assert b"x-content-type-options: nosniff" in head


def test_the_rate_limit_counts_admitted_requests_only(tmp_path: Path) -> None:
    web = f"basic_auth_users: {{all: {hashed()}}}\nrate_limit: {{interval: 1h, burst: 2}}"
    right = basic("all", PASSWORD)
    with running(people_state(tmp_path, web)) as port:
        assert {get(port, "/metrics")[0] for _ in range(10)} == {401}
        responses = [get(port, "/metrics", right) for _ in range(3)]
    assert [response[0] for response in responses] == [200, 200, 429]
    assert 3500 < int(responses[-1][1]["retry-after"]) <= 3600


def test_foreign_hosts_matter_only_without_tls_and_passwords(port: int, tmp_path: Path) -> None:
    assert get(port, "/metrics", "Host: kpi.example.com", RIGHT)[0] == 200
    authority = Authority(tmp_path)
    state = people_state(tmp_path, tls_section(authority.chain("127.0.0.1")))
    with running(state) as encrypted:
        assert get(encrypted, "/metrics", "Host: kpi.example.com", tls=authority.trusting())[0] == 200


def test_configured_hosts_are_enforced_even_with_passwords(state: ServedState) -> None:
    with running(state, hosts=AllowedHosts.of(["kpi.example.com"])) as port:
        assert get(port, "/metrics", "Host: kpi.example.com:9940", RIGHT)[0] == 200
        assert get(port, "/metrics", "Host: evil.example.com", RIGHT)[0] == 421
        assert get(port, "/push/crm", "Host: evil.example.com", method="POST")[0] == 421


def test_a_foreign_host_is_counted_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    state = sample_state()
    with running(state) as port:
        for _ in range(3):
            assert get(port, "/metrics", "Host: evil.example.com")[0] == 421
    assert state.self_metrics.value(naming.HTTP_REJECTED, "host") == 3
    assert [record.message for record in caplog.records if "--web.hosts" in record.message] == [
        "a request with the foreign Host 'evil.example.com' was refused: allow it with --web.hosts"
    ]


def test_the_lifespan_passes_through() -> None:
    from exporter.web.access import AccessMiddleware
    from exporter.web.security import WebSecurity

    kinds: list[str] = []

    async def app(scope: object, receive: object, send: object) -> None:
        kinds.append(scope["type"])  # type: ignore[index]

    middleware = AccessMiddleware(app, SelfMetrics(), WebSecurity, AllowedHosts())
    asyncio.run(middleware({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert kinds == ["lifespan"]
