"""The event rules of a bucket through ``mc event``."""

from collections.abc import Sequence

from mcmirror.model.bucket_events import EventFilter, EventRule
from mcmirror.model.problem import Trouble
from mcmirror.movers.mc import argv
from mcmirror.movers.mc.answers import answers
from mcmirror.movers.mc.session import Session

NO_DESTINATION = "destination ARN does not exist"
"""What a server says of an ARN that is not configured there."""


class BucketEvents:
    """Reads and changes the rules of one bucket, ``alias/bucket``; each method raises Refusal."""

    def __init__(self, session: Session, bucket: str) -> None:
        self._session = session
        self._bucket = bucket

    def rules(self) -> tuple[EventRule, ...]:
        """All rules."""
        return tuple(
            EventRule(
                str(fields["arn"]),
                tuple(map(str, fields["event"])),
                str(fields.get("prefix") or ""),
                str(fields.get("suffix") or ""),
            )
            for fields in answers(self._session, argv.list_events(self._bucket), self._bucket)
        )

    def add(self, wanted: EventFilter, words: Sequence[str]) -> None:
        """Add one rule with these words."""
        command = argv.add_events(self._bucket, wanted.arn, words, wanted.prefix, wanted.suffix)
        answers(self._session, command, self._bucket)

    def remove(self, rule: EventRule) -> None:
        """Remove one rule."""
        command = argv.remove_events(self._bucket, rule.arn, rule.words, rule.prefix, rule.suffix)
        answers(self._session, command, self._bucket)

    def destinations(self) -> tuple[str, ...]:
        """The ARNs that the server knows; none when it does not tell these keys."""
        try:
            (fields,) = answers(self._session, argv.server_info(self._bucket.partition("/")[0]), self._bucket)
        except (Trouble, ValueError):
            return ()
        return tuple(sorted(map(str, (fields.get("info") or {}).get("sqsARN") or ())))
