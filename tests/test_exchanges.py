"""What mc's ``--debug`` says of its requests."""

from mcmirror.movers.mc.exchanges import RequestTrace

SAID = """\
mc: <DEBUG> HEAD /src/item/a HTTP/1.1
Host: 127.0.0.1:9000

mc: <DEBUG> HTTP/1.1 200 OK
X-Amz-Request-Id: 1
Etag: "0cc1"

mc: <DEBUG> TLS Certificate found: \n
mc: <DEBUG> Response Time:  22.5ms

mc: <DEBUG> HEAD /src/item/b HTTP/1.1

mc: <DEBUG> HTTP/1.1 404 Not Found
X-Amz-Request-Id: 2

mc: <DEBUG> Response Time:  900\u00b5s
"""


def test_heads_are_read_with_their_answers_and_the_time_of_the_fastest() -> None:
    trace = RequestTrace()
    said = SAID.encode()
    for start in range(0, len(said), 7):
        trace(said[start : start + 7])

    (a,), (b,) = trace.asked(["/src/item/a"]), trace.asked(["/src/item/b"])

    assert ("200 OK", "0cc1", "") == (a.status, a.etag, a.foreign)
    assert ("404", "") == (b.number, b.etag)
    assert 0.0009 == trace.fastest
