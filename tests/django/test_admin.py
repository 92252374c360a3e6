"""The admin shows the backlog as it is now, and retries."""

import re

import pytest

from tests.django.site import Site
from tests.servers.minio import deny

LIST = "/admin/mcmirror/mirroritemtask/"


@pytest.fixture
def failed(either: Site) -> Site:
    """Two objects are there, one failed, one waits, and one is in the outbox alone."""
    site = either
    site.told('[save(name) for name in ("a/1", "secret/b", "z")]; say(0)')
    reader = site.pair.source.server.user(deny(["GetObject"], [f"{site.pair.source.bucket}/secret/*"]))
    site.process(AWS_S3_ACCESS_KEY_ID=reader.access_key, AWS_S3_SECRET_ACCESS_KEY=reader.secret_key)
    site.pair.source.put({"waits": b"1"})
    site.manage("prepare_mirroring_items_history")
    site.told('save("fresh"); say(0)')
    return site


def seen(site: Site, query: str = "") -> dict[str, str]:
    """The items of the list and their states."""
    text = site.told(f"say(client().get({LIST + query!r}).content.decode())")
    rows = re.findall(r'field-key"><a [^>]*>([^<]*)</a>.*?field-status">([^<]*)<', text, re.DOTALL)
    return dict(rows)


def test_states_errors_filter_search_and_retry(failed: Site) -> None:
    states = {"a/1": "done", "secret/b": "failed", "waits": "pending", "z": "done"}
    assert states == seen(failed)
    assert {"secret/b": "failed"} == seen(failed, "?state=failed")
    assert {"a/1": "done", "z": "done"} == seen(failed, "?state=done")
    assert {} == seen(failed, "?state=leased")
    assert {"secret/b": "failed"} == seen(failed, "?q=secret")
    assert {"secret/b": "failed"} == seen(failed, "?q=Forbidden")
    said = failed.told(f"""
boss = client()
here = boss.get({LIST!r}).content.decode()
one = boss.get({LIST!r} + "secret_2Fb/change/").content.decode()
outbox = boss.get("/admin/mcmirror/mirrorrequest/").content.decode()
after = boss.post({LIST!r}, {{"action": "retry", "_selected_action": ["secret/b", "z"]}}, follow=True)
say([here, one, outbox, after.content.decode()])
""")
    assert "1 object uploaded or deleted and not handed over yet" in said[0]
    assert "403 Forbidden" in said[1]
    assert ">fresh<" in said[2]
    assert "1 object tried again; 1 needed none" in said[3]

    assert 0 == failed.process().code
    assert {"done"} == set(seen(failed).values())
    assert failed.pair.equal


def test_who_may_only_look_retries_nothing(failed: Site) -> None:
    said = failed.told(f"""
from django.contrib.auth.models import Permission, User
from django.test import Client
user = User.objects.create_user("reader", is_staff=True)
user.user_permissions.set(Permission.objects.filter(codename="view_mirroritemtask"))
reader = Client(SERVER_NAME="localhost")
reader.force_login(user)
answers = [reader.get({LIST!r}), reader.post({LIST!r}, {{"action": "retry", "_selected_action": ["secret/b"]}})]
answers += [reader.get({LIST!r} + "add/"), reader.post({LIST!r} + "z/delete/"), client().post({LIST!r} + "z/delete/")]
say([["Try again now" in answers[0].content.decode()], [answer.status_code for answer in answers]])
""")
    assert [[False], 200, [403, 403, 403]] == [said[0], said[1][0], said[1][2:]]
    assert "failed" == seen(failed)["secret/b"]


def test_a_state_or_settings_that_cannot_be_used_are_a_message_not_an_error(site: Site) -> None:
    look = f"answer = client().get({LIST!r} + '?state=failed'); say([answer.status_code, answer.content.decode()])"

    code, text = site.told(look, MCMIRROR_STATE="postgresql://somebody:a-password@127.0.0.1:1/none")
    assert (200, True, False) == (code, "the state cannot be used" in text, "a-password" in text)
    site.told('save("a"); say(0)')
    site.process()
    retry = f"""
from mcmirror.contrib.django import admin
from mcmirror.store.database import Unusable
boss = client()
def broken():
    raise Unusable("The database is locked")
admin.job_backlog = broken
answer = boss.post({LIST!r}, {{"action": "retry", "_selected_action": ["a"]}}, follow=True)
say([answer.status_code, answer.content.decode()])
"""
    code, text = site.told(retry)
    assert (200, True) == (code, "The database is locked" in text)
    code, text = site.told(look, AWS_S3_MIRRORING_ENDPOINT_URL="nonsense")
    assert (200, True) == (code, "AWS_S3_MIRRORING_ENDPOINT_URL" in text)
