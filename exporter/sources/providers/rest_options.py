"""The `auth`, `pagination` and `since` sections of a rest source as the objects that do the work."""

from __future__ import annotations

from datetime import UTC, datetime

from exporter.config.sources import rest as config
from exporter.config.sources.base import Bearer
from exporter.config.sources.rest import RestEntity, RestOptions
from exporter.sources.base import SourceContext
from exporter.sources.http.auth import (
    Authenticator,
    BasicAuthenticator,
    BearerAuthenticator,
    HeaderAuthenticator,
    QueryAuthenticator,
)
from exporter.sources.http.oauth import OAuthAuthenticator
from exporter.sources.http.pagination import (
    CursorPaginator,
    LinkPaginator,
    NumberedPaginator,
    OffsetPaginator,
    PageSize,
    Paginator,
    SinglePagePaginator,
)


def authenticator(options: RestOptions, context: SourceContext) -> Authenticator | None:
    """The authenticator of the `auth` section; None where there is no such section."""
    auth = options.auth
    match auth:
        case None:
            return None
        case Bearer():
            return BearerAuthenticator(auth.bearer, context)
        case config.BasicAuth():
            return BasicAuthenticator(auth.basic.user, auth.basic.password, context)
        case config.HeaderAuth():
            return HeaderAuthenticator(auth.header.name, auth.header.value, context)
        case config.QueryAuth():
            return QueryAuthenticator(auth.query.name, auth.query.value, context)
        case config.OAuthAuth():
            return OAuthAuthenticator(auth.oauth, options, context)


def paginator(listing: RestEntity, options: RestOptions) -> Paginator:
    """The paginator of a listing's `pagination` section."""
    pages = listing.pagination
    match pages:
        case config.CursorPages():
            return CursorPaginator(pages.cursor.path, pages.cursor.param, _size(pages.size), pages.cursor.more)
        case config.LinkPages():
            secret = (options.auth.query.name,) if isinstance(options.auth, config.QueryAuth) else ()
            return LinkPaginator(pages.next_link.path, _size(pages.size), secret)
        case config.NumberedPages():
            number = pages.page
            return NumberedPaginator(
                PageSize(pages.size.param, pages.size.rows), number.param, number.start, number.pages, listing.total
            )
        case config.OffsetPages():
            return OffsetPaginator(PageSize(pages.size.param, pages.size.rows), pages.offset.param, listing.total)
        case _:
            return SinglePagePaginator()


def _size(size: config.Size | None) -> PageSize | None:
    return PageSize(size.param, size.rows) if size else None


def since_params(listing: RestEntity, since: datetime, until: datetime) -> dict[str, str]:
    """The parameters that ask for what changed from `since` on, rounded down to what the format can say."""
    rule = listing.since
    if rule is None:
        return {}
    params = {rule.param: _written(since, rule.format)}
    if rule.until is not None:
        params[rule.until] = _written(until, rule.format)
    return params


def _written(at: datetime, form: str) -> str:
    at = at.astimezone(UTC)
    match form:
        case "iso":
            return at.strftime("%Y-%m-%dT%H:%M:%SZ")
        case "epoch":
            return str(int(at.timestamp()))
        case "epoch_ms":
            return str(int(at.timestamp() * 1000))
        case _:
            return at.strftime(form)
