"""Documents and back: one way for all of them."""

import json

import pytest

from mcmirror.codec.documents import VERSION, decode, encode
from mcmirror.codec.events import as_json, event_document, event_of
from mcmirror.model.record import Record
from tests.ui_samples import run_events
from tests.web_control import FAILURE, SUCCESS


@pytest.mark.parametrize("record", [SUCCESS, FAILURE])
def test_a_run_comes_back_from_its_document(record: Record) -> None:
    assert record == decode(Record, json.loads(as_json(encode(record))))


def test_every_event_of_a_run_comes_back() -> None:
    for event in run_events():
        assert event == event_of(json.loads(as_json(event_document(event, "T"))))


def test_a_document_of_a_newer_version_is_refused() -> None:
    document = encode(SUCCESS)
    assert SUCCESS == decode(Record, {**document, "version": VERSION, "news": 1})
    with pytest.raises(ValueError, match="newer mcmirror"):
        decode(Record, {**document, "version": VERSION + 1})


@pytest.mark.parametrize("document", [{}, {"id": 1}, {**encode(FAILURE), "report": {"status": "x"}}])
def test_what_is_no_run_is_refused(document: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"no Record|not a valid"):
        decode(Record, document)
