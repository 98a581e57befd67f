"""The status page at `/`."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

from exporter import naming
from exporter.config.fields import Scope, Status
from exporter.exposition.self_metrics import SelfMetrics
from exporter.kpi.values import Evaluation
from exporter.statuses import STATUSES, VERDICTS, colours
from exporter.web.status_page import Html, PageData, element, joined, render, table
from tests.exposition.sample import NOW, kpi_value, sample_config, sample_evaluation


class PageParser(HTMLParser):
    """Collects the text, the tags and the attributes of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


def page(evaluation: Evaluation | None = None, self_metrics: SelfMetrics | None = None, **changes: Any) -> str:
    numbers = (self_metrics or SelfMetrics()).snapshot()
    return render(PageData(sample_config(**changes), evaluation, numbers, NOW))


def test_every_kpi_shows_value_target_ratio_status_and_age() -> None:
    words = PageParser(page(sample_evaluation())).words
    for text in (
        "Revenue won this quarter ◆ at risk CHF 1.48M target CHF 3.00M 50 % of target 91 % of plan previous quarter CHF 2.79M",
        "Quarter 1 Oct – 31 Dec 62 % elapsed as of 2 min ago",
        "Win rate ● on track 24.6 % target 20.0 % to 30.0 % target ratio 1.00 previous quarter",
        "Average talk time ▲ exceeded 3m 07s target 4m 00s target ratio 1.28",
        "Open deals in the pipeline ○ no target 512",
        "score 83 of 100",
    ):
        assert text in words


def test_the_bar_marks_the_plan_of_a_paced_kpi() -> None:
    html = page(sample_evaluation())
    assert html.count('<div class="bar"') == 3
    # 0.495 of the target at a pace of 0.91 means that 0.544 was expected, on a bar that ends at 1.5
    assert '<i style="width:33.0%"></i><b style="left:36.3%"></b>' in html
    assert html.count('<b style="left:') == 1


def test_a_stale_kpi_shows_its_age_and_no_number() -> None:
    words = PageParser(page(sample_evaluation())).words
    assert "Calls that nobody answered yet ○ stale – target 10 Month 1 Nov – 30 Nov 62 % elapsed as of 9 h ago" in words


def test_teams_and_people_are_listed_in_collapsed_sections() -> None:
    reader = PageParser(page(sample_evaluation()))
    assert reader.tags.count("details") == 4
    assert "By person (3)" in reader.words
    assert "Björn Ståhl CHF 61.00 1.22 ▲ exceeded" in reader.words


def test_people_are_not_listed_if_they_are_separate() -> None:
    html = page(sample_evaluation(), privacy={"people": "separate"})
    assert "Björn" not in html
    assert "By team" in html
    assert "/metrics/people" in html


def test_every_source_shows_its_state_and_its_last_and_next_sync() -> None:
    self_metrics = SelfMetrics()
    self_metrics.set(naming.SOURCE_STATE, 0, "crm", "starting")
    self_metrics.set(naming.SOURCE_STATE, 1, "crm", "rate_limited")
    self_metrics.set(naming.LAST_SUCCESS, NOW.timestamp() - 40, "crm", "deals")
    self_metrics.set(naming.LAST_SUCCESS, NOW.timestamp() - 4000, "crm", "people")
    self_metrics.set(naming.NEXT_ATTEMPT, NOW.timestamp() + 120, "crm", "deals")
    words = PageParser(page(sample_evaluation(), self_metrics)).words
    assert "crm hubspot ▼ rate limited 1 h ago in 2 min" in words
    assert "phones csv ○ starting – –" in words
    self_metrics.set(naming.NEXT_ATTEMPT, NOW.timestamp() - 1, "phones", "calls")
    assert "phones csv ○ starting – now" in PageParser(page(sample_evaluation(), self_metrics)).words


def test_before_the_first_evaluation_the_page_says_that_it_waits() -> None:
    words = PageParser(page()).words
    assert "Waiting for the first evaluation" in words
    assert "Win rate ○ no data" in words


def test_a_goal_shows_its_progress_and_a_day_is_one_date() -> None:
    day = kpi_value("talk_time", Status.ON_TRACK, 200.0, progress_ratio=0.4)
    config = sample_config(
        kpis=[sample_config().kpi_by_name["talk_time"].model_dump(by_alias=True) | {"period": "day", "value": "talk"}]
    )
    words = PageParser(render(PageData(config, Evaluation(NOW, (day,), ()), {}, NOW))).words
    assert "40 % of the way to the goal" in words
    assert "Day 1 Nov 62 % elapsed" in words


def test_a_kpi_whose_sources_were_never_synced_says_so() -> None:
    never = kpi_value("win_rate", Status.NO_DATA, as_of=None)
    assert "62 % elapsed not synced yet" in PageParser(page(Evaluation(NOW, (never,), ()))).words


def test_text_from_records_and_config_is_escaped() -> None:
    hostile = '<script>alert("x")</script>\ud800'
    person = kpi_value("revenue", Status.ON_TRACK, 1.0, scope=Scope.PERSON, team="T", person=hostile)
    company = {"name": "<img src=x onerror=1>", "timezone": "UTC", "currency": "CHF"}
    html = page(replace(sample_evaluation(), kpis=(person,)), company=company)
    reader = PageParser(html)
    assert "script" not in reader.tags
    assert "img" not in reader.tags
    assert "<script>alert" in reader.words
    html.encode("utf-8")


def test_the_page_loads_nothing_and_runs_no_scripts() -> None:
    reader = PageParser(page(sample_evaluation()))
    assert {"script", "img", "iframe", "link", "object"}.isdisjoint(reader.tags)
    assert not any(name.startswith("on") or name == "src" for name, _ in reader.attributes)
    assert "url(" not in page(sample_evaluation())
    assert reader.open == []


def test_the_statuses_have_the_colours_that_the_dashboards_have() -> None:
    for palette in ("safe", "traffic"):
        html = page(sample_evaluation(), dashboards={"palette": palette})
        light, dark = html.split("@media (prefers-color-scheme: dark) {")[-2:]
        for status, colour in colours(sample_config(dashboards={"palette": palette})).items():
            name = status.value if status in VERDICTS else "none"
            assert f".{name} {{ --tone: {colour.light}; }}" in light, (palette, status)
            assert f".{name} {{ --tone: {colour.dark}; }}" in dark, (palette, status)


def test_a_bar_has_one_colour_because_it_shows_a_number_and_the_words_show_the_status() -> None:
    html = page(sample_evaluation())
    assert ".bar i { display: block; height: 100%; background: var(--bar);" in html
    assert "--bar: #6487b5;" in html


def test_the_words_of_every_status_are_readable_on_every_background() -> None:
    html = page()
    (share,) = set(re.findall(r"color-mix\(in srgb, var\(--tone\) (\d+)%, var\(--text\)\)", html))
    grounds = re.findall(r"--ground: (#\w+); --card: (#\w+);.*?--text: (#\w+);", html)
    assert len(grounds) == 2, "light and dark"
    for shade, (ground, card, text) in zip(("light", "dark"), grounds, strict=True):
        for status in STATUSES:
            for palette in ("safe", "traffic"):
                colour = getattr(colours(sample_config(dashboards={"palette": palette}))[status], shade)
                mixed = [
                    a * int(share) / 100 + b * (1 - int(share) / 100)
                    for a, b in zip(channels(colour), channels(text), strict=True)
                ]
                assert contrast(mixed, channels(card)) >= 4.5, (status, colour, card)
                assert contrast(mixed, channels(ground)) >= 4.5, (status, colour, ground)


def test_text_is_escaped_and_html_is_not() -> None:
    inner = element("b", "<i>&")
    assert element("p", "a < b ", inner, None, class_="x") == '<p class="x">a &lt; b <b>&lt;i&gt;&amp;</b></p>'


def test_attributes_cannot_end_early() -> None:
    assert element("a", "x", href='"><script>', title=None) == '<a href="&quot;&gt;&lt;script&gt;">x</a>'


def test_void_elements_have_no_end_tag() -> None:
    assert element("meta", charset="utf-8") == '<meta charset="utf-8">'


def test_every_table_cell_carries_the_name_of_its_column() -> None:
    shown = table(("", "Value"), [("<North>", "1")])
    assert '<th scope="row">&lt;North&gt;</th><td data-label="Value">1</td>' in shown
    assert isinstance(joined(shown, "&"), Html)


def channels(colour: str) -> list[float]:
    """Red, green and blue of `#rrggbb` or `#rgb`."""
    digits = colour.lstrip("#")
    digits = digits if len(digits) == 6 else "".join(digit * 2 for digit in digits)
    return [float(int(digits[index : index + 2], 16)) for index in (0, 2, 4)]


def contrast(first: list[float], second: list[float]) -> float:
    """The contrast ratio of WCAG 2: 4.5 is the minimum for text."""
    lower, higher = sorted((_luminance(first), _luminance(second)))
    return (higher + 0.05) / (lower + 0.05)


def _luminance(colour: list[float]) -> float:
    linear = [v / 255 / 12.92 if v <= 10 else ((v / 255 + 0.055) / 1.055) ** 2.4 for v in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
