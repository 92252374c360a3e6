"""MirroredReadStorage reads from the mirror what the main bucket cannot give; nothing else does."""

from tests.django.site import Site

READING = {"STORAGES_DEFAULT_BACKEND": "mcmirror.contrib.django.storage.MirroredReadStorage"}
LOOK = """
from urllib.request import urlopen
def look(name):
    try:
        with storage.open(name) as file:
            content = file.read().decode()
    except FileNotFoundError:
        content = None
    try:
        size = storage.size(name)
    except FileNotFoundError:
        size = None
    try:
        with urlopen(storage.url(name)) as answer:
            url = answer.read().decode()
    except OSError:
        url = None
    return [content, storage.exists(name), size, url]
"""


def test_it_reads_the_mirror_only_where_the_main_bucket_has_nothing(site: Site) -> None:
    site.pair.source.put({"both": b"main", "here": b"main"})
    site.pair.target.put({"both": b"mirror", "there": b"mirror"})
    code = LOOK + 'say([look(name) for name in ("both", "here", "there", "nowhere")])'

    main, nothing = ["main", True, 4, "main"], [None, False, None, None]
    assert [main, main, ["mirror", True, 6, "mirror"], nothing] == site.told(code, **READING)
    assert [main, main, nothing, nothing] == site.told(code), "not unless it is asked for"


def test_it_reads_the_mirror_while_the_main_bucket_is_down_and_does_not_hide_a_denial(site: Site) -> None:
    site.told('[save(name, b"1") for name in ("a", "b")]; say(0)')
    site.process()
    code = (
        LOOK
        + """
try:
    save("c")
    saved = True
except Exception as error:
    saved = type(error).__name__
say([look("a"), look("nowhere")[:3], saved, requests()])
"""
    )
    down = site.told(code, AWS_S3_ENDPOINT_URL="http://127.0.0.1:1", **READING)
    assert [["1", True, 1, "1"], [None, False, None], "EndpointConnectionError", ["c"]] == down

    denied = site.run(f'{LOOK}say(look("a"))', AWS_S3_SECRET_ACCESS_KEY="another-secret", **READING)
    assert (1, True) == (denied.code, "403" in denied.stderr)
