"""The JSON Schema of mcmirror.toml, for editors; its descriptions are the docstrings below the fields."""

import ast
from itertools import pairwise
from pathlib import Path
from typing import Any

from mcmirror.config import schema


def json_schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12."""
    document = schema.File.model_json_schema()
    written = _docstrings(Path(schema.__file__))
    for name, table in document["$defs"].items():
        for ancestor in reversed(getattr(schema, name).__mro__):
            for key, text in written.get(ancestor.__name__, {}).items():
                table["properties"][key]["description"] = text
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **document, "title": "mcmirror.toml"}


def _docstrings(module: Path) -> dict[str, dict[str, str]]:
    """By class and field: the text that follows the field."""
    found: dict[str, dict[str, str]] = {}
    for table in ast.parse(module.read_text(encoding="utf-8")).body:
        body = table.body if isinstance(table, ast.ClassDef) else []
        for field, after in pairwise(body):
            match field, after:
                case ast.AnnAssign(target=ast.Name(id=key)), ast.Expr(value=ast.Constant(value=str(text))):
                    found.setdefault(getattr(table, "name", ""), {})[key] = text
                case _:
                    pass
    return found
