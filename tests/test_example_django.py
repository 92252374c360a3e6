"""examples/django: the whole migration by its one command, and what belongs to it."""

from pathlib import Path

from tests.conftest import Pair
from tests.deployed import EXAMPLES
from tests.django.site import Site

GALLERY = EXAMPLES / "django"


def test_its_settings_are_those_of_its_variables(tmp_path: Path, bucket_pair: Pair, mc: Path) -> None:
    site = Site.make(tmp_path, bucket_pair, f"sqlite://{tmp_path}/app.db", f"sqlite:///{tmp_path}/state.db", mc)

    checked = site.manage("check", "--fail-level", "WARNING")

    assert (0, "") == (checked.code, checked.stderr)
    assert (GALLERY / "manage.py").stat().st_mode & 0o111
