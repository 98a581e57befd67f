"""Writes the generated parts of the documents: python -m tests.docs."""

from __future__ import annotations

from tests.config.key_reference import README, updated_readme
from tests.docs.faults_page import PAGE, page
from tests.docs.provider_pages import updated_pages


def main() -> None:
    """Writes config/README.md and what is generated of docs/reference."""
    for path, text in {README: updated_readme(), PAGE: page(), **updated_pages()}.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
