"""Hand-computed amounts in other currencies."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from exporter.config.fields import Scope
from exporter.errors import ConfigError
from exporter.metrics.evaluate import answer_questions
from exporter.metrics.exchange_rates import ExchangeRates, RateSpan
from exporter.metrics.values import FIRST, LAST, Group, MeasuredValue, Question, Window
from tests.metrics.queries import LEVEL, MARCH, company, metric
from tests.metrics.stores import at, config_of, store_of

RATES = {"USD": [{"rate": 0.9, "since": "2024-03-01"}, {"rate": 0.8, "since": "2024-03-15"}], "JPY": 0.0061}


def amounts(*pairs: tuple[str | None, str, str | None]) -> list[dict[str, Any]]:
    return [{"amount": amount, "currency": code, "closed_at": day and at(day)} for code, amount, day in pairs]


def test_amounts_convert_at_the_rate_of_their_day() -> None:
    """10 + 20 + 100 * 0.9 + 100 * 0.8 + 1000 * 0.0061 = 206.1; the 15th begins at 23:00 UTC of the 14th."""
    deals = amounts(
        ("EUR", "10", "2024-03-02"),
        (None, "15", "2024-03-02"),
        ("", "5", "2024-03-02"),
        ("USD", "100", "2024-03-14T22:59:59"),
        ("USD", "100", "2024-03-14T23:00:00"),
        ("JPY", "1000", "2024-03-30"),
    )
    for aggregate, value in (({"sum": "amount"}, 206.1), ({"mean": "amount"}, 34.35), ({"max": "amount"}, 90.0)):
        config = config_of(metric(entity="deals", at="closed_at", **aggregate), company={"rates": RATES})
        assert company(store_of(deals=deals), config) == MeasuredValue(pytest.approx(value), 6, 0)


def test_an_amount_without_a_rate_is_held_out_and_never_counted_unconverted() -> None:
    window = Window(at("2024-02-01"), at("2024-04-01"))
    deals = amounts(("EUR", "10", "2024-03-02"), ("USD", "100", "2024-02-28"), ("GBP", "7", "2024-03-02"))
    store = store_of(deals=deals)
    revenue = config_of(metric(entity="deals", at="closed_at", sum="amount"), company={"rates": RATES})
    assert company(store, revenue, window=window) == MeasuredValue(10.0, 1, 2)
    without_rates = config_of(metric(entity="deals", at="closed_at", sum="amount"))
    assert company(store, without_rates, window=window) == MeasuredValue(10.0, 1, 2)
    number = config_of(metric(entity="deals", at="closed_at", count="rows"), company={"rates": RATES})
    assert company(store, number, window=window) == MeasuredValue(3.0, 3, 0)


def test_a_sum_without_any_converted_amount_is_unknown() -> None:
    config = config_of(metric(entity="deals", at="closed_at", sum="amount"))
    assert company(store_of(deals=amounts(("GBP", "7", "2024-03-02"))), config) == MeasuredValue(None, 0, 1)


def test_a_level_converts_at_the_rate_of_the_instant_it_is_read() -> None:
    store = store_of(deals=[{"amount": 100, "currency": "USD", "created_at": at("2024-01-05")}])
    config = config_of(metric(entity="deals", during=LEVEL, sum="amount"), company={"rates": RATES})
    values = [company(store, config, window=Window(MARCH.start, at(d))).value for d in ("2024-03-10", "2024-03-20")]
    assert values == [90.0, 80.0]
    assert company(store, config, window=Window(at("2024-01-01"), at("2024-02-01"))) == MeasuredValue(None, 0, 1)


def test_money_is_added_up_exactly() -> None:
    deals = amounts(
        *[("EUR", "0.1", "2024-03-02")] * 1000, ("EUR", "-100", "2024-03-02"), ("EUR", "1e15", "2024-03-02")
    )
    deals += amounts(("EUR", "-1e15", "2024-03-02"))
    config = config_of(metric(entity="deals", at="closed_at", sum="amount"))
    assert company(store_of(deals=deals), config).value == 0.0


def test_a_metric_that_the_store_cannot_compute_fails_alone() -> None:
    """1e15 at a rate of 1e9 is beyond any DECIMAL; the other metric shares the query and is answered all the same."""
    deals = amounts(("USD", "1e15", "2024-03-02"), ("EUR", "5", "2024-03-02"))
    config = config_of(
        metric(entity="deals", at="closed_at", sum="amount"),
        {"name": "number", "entity": "deals", "at": "closed_at", "count": "rows"},
        company={"rates": {"USD": 1e9}},
    )
    questions = [Question(name, MARCH, scope) for name in ("m", "number") for scope in (Scope.COMPANY, Scope.PERSON)]
    questions.append(Question("m", Window(MARCH.start, at("2024-03-20"))))
    result = answer_questions(store_of(deals=deals), config, questions)
    assert result.failed.keys() == {"m"}
    assert result.answers == {questions[2]: {Group(): MeasuredValue(2.0, 2)}, questions[3]: {}}


def loaded(tmp_path: Path, text: str, **company: Any) -> ExchangeRates:
    (tmp_path / "rates.csv").write_text(text, encoding="utf-8")
    config = config_of(metric(count="rows"), base=tmp_path, company={"rates_csv": "rates.csv", **company})
    return ExchangeRates.load(config)


def test_rates_of_the_config_override_those_of_the_csv(tmp_path: Path) -> None:
    text = "currency,since,rate\nusd,2024-03-01,0.5\nUSD, 2024-03-15 ,0.8\nGBP,,1.2\nEUR,2024-01-01,1\n"
    rates = loaded(tmp_path, text, rates={"USD": [{"rate": 0.9, "since": "2024-03-01"}]})
    assert rates.home == "EUR"
    assert rates.spans == (
        RateSpan("GBP", FIRST, LAST, Decimal("1.2")),
        RateSpan("USD", FIRST, at("2024-02-29T23:00"), None),
        RateSpan("USD", at("2024-02-29T23:00"), at("2024-03-14T23:00"), Decimal("0.9")),
        RateSpan("USD", at("2024-03-14T23:00"), LAST, Decimal("0.8")),
    )


@pytest.mark.parametrize(
    ("row", "line"),
    [
        ("USD,2024-13-01,0.9", 2),
        ("USD,2024-01-01,much", 2),
        ("USD,2024-01-01,0", 2),
        ("USD,2024-01-01,-1", 2),
        ("USD,2024-01-01,1e10", 2),
        ("USD,2024-01-01,NaN", 2),
        ("DOLLAR,2024-01-01,0.9", 2),
        ("US1,2024-01-01,0.9", 2),
        ("USD,2024-01-01", 2),
        ("GBP,2024-01-01,1.2\nUSD", 3),
    ],
)
def test_an_invalid_row_of_the_csv_is_named_with_its_line(tmp_path: Path, row: str, line: int) -> None:
    with pytest.raises(ConfigError) as refused:
        loaded(tmp_path, f"currency,since,rate\n{row}\n")
    assert [(problem.line, problem.path) for problem in refused.value.problems] == [(line, "company.rates_csv")]


def test_a_csv_that_is_missing_or_lacks_columns_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not a rate"):
        loaded(tmp_path, "code,rate\nUSD,0.9\n")
    config = config_of(metric(count="rows"), base=tmp_path, company={"rates_csv": "nowhere.csv"})
    with pytest.raises(ConfigError, match="cannot be read"):
        ExchangeRates.load(config)


def test_an_implausible_rate_is_rejected() -> None:
    config = config_of(metric(count="rows"), company={"rates": {"USD": 1e10, "JPY": 1e-10, "GBP": 1.2}})
    with pytest.raises(ConfigError) as refused:
        ExchangeRates.load(config)
    assert [problem.path for problem in refused.value.problems] == ["company.rates.JPY", "company.rates.USD"]
