"""What the storage does to the main bucket arrives in the mirror, and nothing that happens meanwhile loses it."""

import pytest

from tests.django.site import Site
from tests.servers.minio import contents
from tests.servers.postgres import Postgres


def test_what_is_saved_written_replaced_and_signalled_is_mirrored(either: Site) -> None:
    names = either.told("""
save("a/b.txt", b"first")
with storage.open("written.txt", "w") as file:
    file.write("piece by piece")
with transaction.atomic():
    Picture.objects.create(file=ContentFile(b"pixels", name="cat.png"))
save("a/b.txt", b"second")
storage.bucket.Object("presigned").put(Body=b"past the storage")
storage.bucket.Object("presigned too").put(Body=b"past the storage")
mirror_object.send(None, name="presigned")
mirror("presigned too")
say(requests())
""")
    assert ["a/b.txt", "a/b.txt", "presigned", "presigned too", "written.txt"] == [
        name for name in names if not name.startswith("item/")
    ]
    assert {} == either.pair.target.contents(), "an upload does not wait for the mirror"

    done = either.process()

    assert 0 == done.code, done.stderr
    assert "5 objects done, 5 copied" in done.stdout
    assert either.pair.equal
    assert [[], {"done"}] == [
        either.told("say(requests())"),
        set(either.told("say(states())").values()),
    ]


@pytest.mark.parametrize("remove", ["true", "false"])
def test_a_deletion_is_mirrored_where_that_is_wanted(site: Site, remove: str) -> None:
    site.told('[save(f"{n}") for n in range(4)]; say(0)')
    site.process()
    site.told('storage.delete("2"); say(0)')

    assert 0 == site.process(AWS_S3_MIRRORING_REMOVE=remove).code

    assert {"0", "1", "3"} == site.pair.source.contents().keys()
    left = {"0", "1", "3"} if remove == "true" else {"0", "1", "2", "3"}
    assert left == site.pair.target.contents().keys()


def test_only_what_is_committed_is_put_in(either: Site) -> None:
    said = either.told("""
try:
    with transaction.atomic():
        Picture.objects.create(file=ContentFile(b"1", name="never.txt"))
        raise ValueError
except ValueError:
    pass
with transaction.atomic():
    save("committed")
    inside = requests()
say([inside, requests(), Picture.objects.count()])
""")
    assert [["committed"], ["committed"], 0] == said


def test_an_upload_does_not_fail_for_the_mirror(either: Site) -> None:
    """Its table is missing, its settings are wrong, and the transaction of the caller goes on."""
    broken = either.without("AWS_S3_MIRRORING_SECRET_ACCESS_KEY")
    done = broken.run("""
with connection.cursor() as cursor:
    cursor.execute("ALTER TABLE mcmirror_mirrorrequest RENAME TO away")
with transaction.atomic():
    Picture.objects.create(file=ContentFile(b"1", name="cat.png"))
save("alone")
mirror("by hand")
say(Picture.objects.count())
with connection.cursor() as cursor:
    cursor.execute("ALTER TABLE away RENAME TO mcmirror_mirrorrequest")
""")

    assert (0, "1") == (done.code, done.stdout.strip()), done.stderr
    assert "alone could not be put into the outbox of the mirror" in done.stderr
    assert "by hand could not be put into the outbox of the mirror" in done.stderr
    assert "do:  manage.py prepare_mirroring_items_history finds it." in done.stderr
    assert "2 objects put in" in either.manage("prepare_mirroring_items_history").stdout
    assert 0 == either.process().code
    assert either.pair.equal


def test_killed_between_the_upload_and_its_note(either: Site) -> None:
    died = either.run("""
from mcmirror.contrib.django.outbox import Upload
Upload.finish = lambda self: die()
save("survives")
""")
    assert -9 == died.code
    either.process()
    assert {} == either.pair.target.contents(), "for a day it may still be under way"

    either.told("""
from datetime import timedelta
from django.db.models import F
say(MirrorRequest.objects.update(noted=F("noted") - timedelta(days=1, seconds=1)))
""")
    assert 0 == either.process().code
    assert {"survives"} == either.pair.target.contents().keys()


def test_killed_after_the_commit(either: Site) -> None:
    died = either.run("""
with transaction.atomic():
    transaction.on_commit(die)
    save("survives")
""")
    assert -9 == died.code

    assert 0 == either.process().code
    assert either.pair.equal


def test_killed_while_the_outbox_is_handed_over(either: Site) -> None:
    either.told('[save(f"{n}") for n in range(5)]; say(0)')
    died = either.run("""
from django.core.management import call_command
from mcmirror.service.backlog import JobBacklog
enqueue = JobBacklog.enqueue
JobBacklog.enqueue = lambda self, changes: (enqueue(self, changes), die())
call_command("process_pending_mirror_tasks")
""")
    assert -9 == died.code
    assert [5, 5] == either.told("say([len(requests()), len(states())])")

    assert 0 == either.process().code
    assert [0, {str(number): "done" for number in range(5)}] == either.told("say([len(requests()), states()])")
    assert either.pair.equal


def test_nothing_is_lost_while_the_state_is_down(site: Site, postgres: Postgres) -> None:
    url = postgres.url(postgres.database())
    away = site.having(MCMIRROR_STATE=url.replace(f":{postgres.port}/", ":1/"))
    away.told('save("kept"); say(0)')
    done = away.process()

    assert (1, True) == (done.code, "the state cannot be used" in done.stderr), done.stderr
    assert ["kept"] == site.told("say(requests())")
    assert 0 == site.having(MCMIRROR_STATE=url).process().code
    assert site.pair.equal


def test_the_location_holds_for_both_buckets(site: Site) -> None:
    here = site.having(AWS_LOCATION="media")
    here.told('save("a.txt"); mirror("b.txt"); say(storage.bucket.Object("media/b.txt").put(Body=b"2"))')
    site.pair.source.put({"elsewhere": b"3"})

    assert 0 == here.process().code

    assert {"media/a.txt", "media/b.txt"} == site.pair.target.contents().keys()
    assert ["a.txt", "b.txt"] == list(here.told("say(states())"))


def test_what_lies_elsewhere_is_left_and_named(site: Site) -> None:
    site.told("""
from mcmirror.contrib.django.storage import S3MirroringStorage
storage.connection.create_bucket(Bucket="another-bucket")
say(S3MirroringStorage(bucket_name="another-bucket").save("a", ContentFile(b"1")))
""")

    done = site.process()

    assert "these settings do not mirror 1 object of the outbox" in done.stderr
    assert f"such as a in {site.pair.source.server.url}/another-bucket" in done.stderr
    assert ["a"] == site.told("say(requests())")


def test_what_waits_at_a_switch_is_not_taken_for_the_other_direction(site: Site) -> None:
    """Both buckets have the same name, as they often have at two providers."""
    name = site.pair.source.bucket
    site.pair.target.client.create_bucket(Bucket=name)
    before = site.having(AWS_S3_MIRRORING_STORAGE_BUCKET_NAME=name)
    main, mirror = site.pair.source.server, site.pair.target.server
    after = before.having(AWS_S3_ENDPOINT_URL=mirror.url, AWS_S3_MIRRORING_ENDPOINT_URL=main.url)
    site.pair.source.put({"in the backlog": b"1"})
    before.manage("prepare_mirroring_items_history")
    before.told('save("in the outbox"); say(0)')

    switched = after.process()

    assert "0 objects done" in switched.stdout
    assert f"such as in the outbox in {main.url}/{name}" in switched.stderr
    assert "other settings have 1 object waiting" in switched.stderr
    assert {} == after.told("say(states())")
    assert 0 == before.process().code
    assert site.pair.source.contents() == contents(mirror.client(), name)
