"""An mc that only lists, as fast as a pipe takes it: for plans of a size that no server here could hold.

Whatever else it is asked, it says success and does nothing.
"""

from collections.abc import Mapping
from pathlib import Path

VERSION = "mc version RELEASE.2025-08-13T08-35-41Z (commit-id=7394ce0dd2a80935aded936b09fa12cbb3cb8096)"
LINE = (
    b'{"status":"success","type":"file","lastModified":"2026-01-02T03:04:05.678Z","size":4096,"key":"%s",'
    b'"etag":"0123456789abcdef%016x","url":"http://127.0.0.1:9000/%s/","versionOrdinal":1,"storageClass":"STANDARD"}\n'
)
SCRIPT = """\
#!/bin/sh
case " $* " in
{listings}
*" --version "*) echo "{version}" ;;
*) echo '{{"status":"success"}}' ;;
esac
"""


def make(folder: Path, buckets: Mapping[str, int]) -> Path:
    """Write the program and the listings: each bucket with so many objects, equal where the numbers are.

    The keys are ``folder-0000/object-0000000.bin`` and so on, a thousand a folder.
    """
    cases = []
    for bucket, objects in buckets.items():
        listing = folder / f"{bucket}.ndjson"
        name = bucket.encode()
        with listing.open("wb") as file:
            for number in range(objects):
                file.write(LINE % (b"folder-%04d/object-%07d.bin" % divmod(number, 1000), number, name))
        cases.append(f"""*" ls "*"/{bucket}/ "*) exec cat '{listing}' ;;""")
    program = folder / "mc"
    program.write_text(SCRIPT.format(listings="\n".join(cases), version=VERSION))
    program.chmod(0o755)
    return program
