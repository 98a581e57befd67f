"""Describes in plain words what the schema allows at a path of the config."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from exporter.config.messages import comma_separated
from exporter.config.positions import KeyPath, value_at
from exporter.config.schema import Fragment, schema


class Expectations:
    """Looks up a schema along a path, by default that of the config. Of several forms, uses the most similar one."""

    def __init__(self, form: Fragment | None = None) -> None:
        self._schema = form or _schema()

    def at(self, path: KeyPath, tree: Any) -> list[Fragment]:
        """The forms allowed at `path`; empty if the schema has no such path."""
        forms, node = [self._schema], tree
        for step in path:
            forms = [inner for form in self._most_similar(forms, node) for inner in self._inner(form, step)]
            node = value_at(node, (step,))
        return list(self._resolved(forms))

    def keys(self, path: KeyPath, tree: Any) -> list[str]:
        """The keys allowed in the section at `path`."""
        forms = self._most_similar(self.at(path, tree), value_at(tree, path))
        return list(dict.fromkeys(key for form in forms for key in form.get("properties", ())))

    def text(self, path: KeyPath, tree: Any) -> str:
        """What is allowed at `path`: a number, text such as 60s, one of day or week, ..."""
        forms = self.at(path, tree)
        several = sum("properties" in form for form in forms) > 1
        texts = ("a section" if several and "properties" in form else form_text(form) for form in forms)
        return " or ".join(dict.fromkeys(text for text in texts if text))

    def description(self, path: KeyPath, tree: Any) -> str:
        """The schema's description of the key at `path`; empty if it has none."""
        forms = self.at(path[:-1], tree)
        keys = [form["properties"][path[-1]] for form in forms if path[-1] in form.get("properties", ())]
        return str(keys[0].get("description", "")).rstrip(".") if keys else ""

    def _resolved(self, forms: Iterable[Fragment]) -> Iterator[Fragment]:
        for form in forms:
            if "$ref" in form:
                yield from self._resolved([self._schema["$defs"][form["$ref"].rsplit("/", 1)[1]]])
            elif "anyOf" in form or "oneOf" in form:
                yield from self._resolved(form.get("anyOf") or form["oneOf"])
            else:
                yield form

    def _most_similar(self, forms: Iterable[Fragment], node: Any) -> list[Fragment]:
        resolved = list(self._resolved(forms))
        sections = [form for form in resolved if "properties" in form]
        if not isinstance(node, dict) or not sections:
            return resolved
        scores = [_similarity(form, node) for form in sections]
        return [form for form, score in zip(sections, scores, strict=True) if score == max(scores)]

    @staticmethod
    def _inner(form: Fragment, step: str | int) -> Iterator[Fragment]:
        if isinstance(step, int):
            elements = form.get("prefixItems", [])
            inner = elements[step] if step < len(elements) else form.get("items")
        else:
            inner = form.get("properties", {}).get(step)
            for pattern, matching in form.get("patternProperties", {}).items():
                inner = matching if inner is None and re.search(pattern, step) else inner
            inner = form.get("additionalProperties") if inner is None else inner
        if isinstance(inner, dict):
            yield inner


@cache
def _schema() -> Fragment:
    # read-only here; generating it takes longer than the rest of a check
    return schema()


def _similarity(form: Fragment, node: dict[str, Any]) -> int:
    properties: Fragment = form["properties"]
    shared = [key for key in node if key in properties]
    wrong = [key for key in shared if "const" in properties[key] and properties[key]["const"] != node[key]]
    return len(shared) - 100 * len(wrong)


def form_text(form: Fragment) -> str:
    """What one form allows: a number, text such as 60s, one of day, week."""
    if "enum" in form or "const" in form:
        names = form.get("enum", [form.get("const")])
        return f"one of {comma_separated(names)}" if len(names) > 1 else str(names[0])
    if form.get("format") == "date":
        return "a date YYYY-MM-DD"
    if form.get("examples"):
        return f"text such as {form['examples'][0]}"
    if "properties" in form:
        return f"a section with {comma_separated(form.get('required') or form['properties'], 6)}"
    names_by_type = {
        "string": "text", "number": "a number", "integer": "a whole number", "boolean": "true or false",
        "array": "a list", "object": "a section",
    }  # fmt: skip
    return names_by_type.get(form.get("type", ""), "")
