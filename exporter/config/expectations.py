"""What the schema expects at a place of the config, in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from exporter.config.messages import listed
from exporter.config.positions import Path, inside
from exporter.config.schema import Fragment, schema


class Expectations:
    """Looks up the schema along a path; where several forms are possible, the one that the config comes closest to."""

    def __init__(self) -> None:
        self._schema = _schema()

    def at(self, path: Path, tree: Any) -> list[Fragment]:
        """The forms allowed at `path`; none where nothing is expected there."""
        forms, node = [self._schema], tree
        for step in path:
            forms = [form for outer in self._closest(forms, node) for form in self._inner(outer, step)]
            node = inside(node, (step,))
        return list(self._resolved(forms))

    def keys(self, path: Path, tree: Any) -> list[str]:
        """The keys that the section at `path` may have."""
        closest = self._closest(self.at(path, tree), inside(tree, path))
        return list(dict.fromkeys(key for form in closest for key in form.get("properties", ())))

    def words(self, path: Path, tree: Any) -> str:
        """What may stand at `path`: a number, text such as 60s, one of day or week, ..."""
        forms = self.at(path, tree)
        several = sum("properties" in form for form in forms) > 1
        said = ("a section" if several and "properties" in form else words(form) for form in forms)
        return " or ".join(dict.fromkeys(word for word in said if word))

    def meaning(self, path: Path, tree: Any) -> str:
        """What the key at `path` is for, as far as the schema says it."""
        forms = self.at(path[:-1], tree)
        known = [form["properties"][path[-1]] for form in forms if path[-1] in form.get("properties", ())]
        return str(known[0].get("description", "")).rstrip(".") if known else ""

    def _resolved(self, forms: Iterable[Fragment]) -> Iterator[Fragment]:
        for form in forms:
            if "$ref" in form:
                yield from self._resolved([self._schema["$defs"][form["$ref"].rsplit("/", 1)[1]]])
            elif "anyOf" in form or "oneOf" in form:
                yield from self._resolved(form.get("anyOf") or form["oneOf"])
            else:
                yield form

    def _closest(self, forms: Iterable[Fragment], node: Any) -> list[Fragment]:
        resolved = list(self._resolved(forms))
        sections = [form for form in resolved if "properties" in form]
        if not isinstance(node, dict) or not sections:
            return resolved
        fits = [_fit(form, node) for form in sections]
        return [form for form, fit in zip(sections, fits, strict=True) if fit == max(fits)]

    @staticmethod
    def _inner(form: Fragment, step: str | int) -> Iterator[Fragment]:
        if isinstance(step, int):
            positions = form.get("prefixItems", [])
            inner = positions[step] if step < len(positions) else form.get("items")
        else:
            inner = form.get("properties", {}).get(step)
            for pattern, other in form.get("patternProperties", {}).items():
                inner = other if inner is None and re.search(pattern, step) else inner
            inner = form.get("additionalProperties") if inner is None else inner
        if isinstance(inner, dict):
            yield inner


@cache
def _schema() -> Fragment:
    # only ever read here; making it takes longer than all the rest of a check
    return schema()


def _fit(form: Fragment, node: dict[str, Any]) -> int:
    known: Fragment = form["properties"]
    shared = [key for key in node if key in known]
    wrong = [key for key in shared if "const" in known[key] and known[key]["const"] != node[key]]
    return len(shared) - 100 * len(wrong)


def words(form: Fragment) -> str:
    """What one form takes: a number, text such as 60s, one of day, week."""
    if "enum" in form or "const" in form:
        names = form.get("enum", [form.get("const")])
        return f"one of {listed(names)}" if len(names) > 1 else str(names[0])
    if form.get("format") == "date":
        return "a date YYYY-MM-DD"
    if form.get("examples"):
        return f"text such as {form['examples'][0]}"
    if "properties" in form:
        return f"a section with {listed(form.get('required') or form['properties'], 6)}"
    kinds = {"string": "text", "number": "a number", "integer": "a whole number", "boolean": "true or false"}
    return kinds.get(form.get("type", ""), {"array": "a list", "object": "a section"}.get(form.get("type", ""), ""))
