"""What a server's webhook sends: authenticated, and stored before it is answered."""

import hmac

from mcmirror.http.answer import Answer, Refused, Request, answered
from mcmirror.model.relay import NotStored, Receiver


def received(receiver: Receiver, request: Request) -> Answer:
    """200 once the events are stored. Raises Refused: the sender keeps them, and sends them again."""
    if request.method != "POST":
        raise Refused(405, f"{request.path} takes no {request.method}", "it takes POST", "send POST", Allow="POST")
    _allowed(receiver.token, request.headers.get("authorization", "").strip())
    try:
        receiver.receive(request.body)
    except NotStored as error:
        raise Refused(503, "the events could not be stored", str(error), "send them again", Retry_After="3") from None
    except ValueError as error:
        raise Refused(400, "this is no document of events", str(error), "send what S3 servers send") from None
    return answered({"stored": True})


def _allowed(token: str, header: str) -> None:
    """MinIO sends its auth_token as it is when that has two words, else behind ``Bearer``."""
    scheme, _, given = header.partition(" ")
    # Bytes: text that is not ASCII cannot be compared in constant time.
    right = hmac.compare_digest(header.encode("utf-8", "surrogateescape"), token.encode())
    if scheme.lower() == "bearer":
        right |= hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), token.encode())
    if right:
        return
    if header:
        # MinIO points to its auth_token only when it reads 403.
        do = "give the webhook the token of the relay; MinIO's setting is auth_token"
        raise Refused(403, "the relay wants its token", "the token is another one", do)
    do = "send Authorization: Bearer TOKEN; MinIO does with its setting auth_token"
    raise Refused(401, "the relay wants its token", "there is no header Authorization", do, WWW_Authenticate="Bearer")
