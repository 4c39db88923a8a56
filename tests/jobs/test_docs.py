"""The generated pages of docs/."""

from __future__ import annotations

from jobs.docs import main, pages
from pipeline.flow import FLOW
from schemas import reasons


def test_committed_pages_are_what_the_code_says(root):
    stale = [name for name, text in pages().items() if (root / "docs" / name).read_text("utf-8") != text]
    assert stale == [], "run make docs"
    assert main(["--check"]) == 0


def test_each_step_table_and_reason_has_its_place():
    found = pages()
    for step in FLOW:
        assert f"| `{step.name}` |" in found["pipeline.md"]
        for table in step.tables:
            assert f"## {table.name} v{table.version}\n" in found["schemas.md"]
    for name in ("RecordReason", "DocumentReason", "NodeReason", "ReferenceReason", "UrlReason", "FileReason"):
        assert f"## {name}\n" in found["reasons.md"]
        for member in getattr(reasons, name):
            assert f"| `{member}` |" in found["reasons.md"]


def test_the_comment_beside_a_reason_is_its_documentation():
    assert "| `crashed` | the worker died on it |" in pages()["reasons.md"]
