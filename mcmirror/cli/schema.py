"""``mcmirror schema``: the JSON Schema of mcmirror.toml, for editors."""

import json


def schema() -> None:
    """Print the JSON Schema of mcmirror.toml."""
    from mcmirror.config.document import json_schema

    print(json.dumps(json_schema(), indent=2))
