"""Text from the config, made to appear literally wherever it lands, whatever it holds.

Each reader has its own syntax: Grafana replaces `$name`, `${name}` and `[[name]]` in titles and links, renders
descriptions as Markdown, expands `$NAME` in provisioning files, and both engines run annotations and labels of alerts
through Go templates.
"""

from __future__ import annotations

import re

_VARIABLE = re.compile(r"\$(?=[\w{])|\[(?=\[)")
_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-.!|~>$])")
_JOINER = "\u2060"


def shown(text: str) -> str:
    """For titles, names and links in dashboards.

    Grafana has no escape for its variables, so an invisible word joiner after `$` or `[` keeps them from being read.
    """
    return _VARIABLE.sub(lambda match: match.group() + _JOINER, " ".join(text.split()))


def markdown(text: str) -> str:
    """For Markdown in text panels and descriptions, on one line."""
    return shown(_MARKUP.sub(r"\\\1", " ".join(text.split())).replace("&", "&amp;").replace("<", "&lt;"))


def template(text: str) -> str:
    """For annotations and labels of Prometheus rules, which are Go templates."""
    return text.replace("{", '{{ "{" }}')


def grafana_template(text: str) -> str:
    """For annotations of Grafana's rules: Go templates in which some versions also expand `${NAME}`."""
    return template(text).replace("$", '{{ "$" }}')


def expanded(text: str) -> str:
    """For values of Grafana's provisioning files, where `$NAME` is the environment's."""
    return text.replace("$", "$$")
