"""The commands that text 003's users know, as cron calls them."""

import re

from tests.django.site import Site
from tests.machine import ROOT
from tests.servers.minio import deny


def test_what_was_there_before_is_put_in_and_worked_off_by_batches(either: Site) -> None:
    either.pair.source.put({f"item/{number:03}/name": b"%d" % number for number in range(120)})
    either.pair.target.put({"item/000/name": b"0", "item/001/name": b"another"})

    first = either.manage("prepare_mirroring_items_history")
    second = either.manage("prepare_mirroring_items_history")

    assert (0, "119 objects put in\nnext: manage.py process_pending_mirror_tasks\n") == (first.code, first.stdout)
    assert "0 objects put in, 119 waited already" in second.stdout
    differs = either.manage("verify_mirroring")
    assert 3 == differs.code
    assert "item/001/name" in differs.stderr
    once = either.process("--once")
    assert (0, True) == (once.code, "100 objects done, 100 copied" in once.stdout), once.stderr
    both = [either.start("django", "process_pending_mirror_tasks", "--batch-size", "5") for _ in range(2)]
    assert [0, 0] == [process.wait(120) for process in both]
    assert either.pair.equal
    verified = either.manage("verify_mirroring", "--content", "100")
    assert (0, True) == (verified.code, verified.stdout.startswith("verified: the target holds every object"))


def test_a_bad_object_holds_up_nobody_and_is_named(site: Site) -> None:
    site.told('[save(name) for name in ("a", "secret/b", "z")]; say(0)')
    reader = site.pair.source.server.user(deny(["GetObject"], [f"{site.pair.source.bucket}/secret/*"]))

    done = site.process(AWS_S3_ACCESS_KEY_ID=reader.access_key, AWS_S3_SECRET_ACCESS_KEY=reader.secret_key)

    assert 3 == done.code
    assert "problem: 1 object of a batch failed\n  why: 403 Forbidden\n  do:  Look at them in the admin" in done.stderr
    assert "CommandError: not all is mirrored: backlog: 1 object to do, 1 failed and tried again, 2" in done.stderr
    assert {"a", "z"} == site.pair.target.contents().keys()


def test_a_mirror_that_is_down_or_refuses_costs_no_upload_and_no_attempt(site: Site) -> None:
    down = site.having(AWS_S3_MIRRORING_ENDPOINT_URL="http://127.0.0.1:1")
    down.told('save("kept"); say(0)')
    refused = site.having(AWS_S3_MIRRORING_SECRET_ACCESS_KEY="a-wrong-secret")

    for broken, why in ((down, "refused"), (refused, "secret key")):
        done = broken.process()
        assert (1, True) == (done.code, why in done.stderr), done.stderr
        assert "a-wrong-secret" not in done.stdout + done.stderr
        assert "do:" in done.stderr
    assert {"kept": "pending"} == site.told("say(states())")
    assert 1 == down.manage("prepare_mirroring_items_history").code
    assert 1 == down.manage("verify_mirroring").code

    assert 0 == site.process().code
    assert site.pair.equal


def test_removals_beyond_the_limit_are_held(site: Site) -> None:
    site.told('[save(f"{n:02}") for n in range(40)]; say(0)')
    site.process()
    removing = site.having(AWS_S3_MIRRORING_REMOVE="true")
    removing.told('[storage.delete(f"{n:02}") for n in range(20)]; say(0)')

    held = removing.process()

    assert 3 == held.code
    assert "more than max_delete allows" in held.stderr
    assert 40 == len(site.pair.target.contents())
    removing.told("""
from mcmirror.contrib.django.mirroring import job_backlog
with job_backlog() as backlog:
    say(backlog.items.retry(1))
""")
    assert 0 == removing.process("--max-delete", "20").code
    assert site.pair.equal


def test_the_options_of_the_page_are_those_of_the_commands(site: Site) -> None:
    page = (ROOT / "docs" / "django.md").read_text()
    known = "".join(site.manage(name, "--help").stdout for name in ("process_pending_mirror_tasks", "verify_mirroring"))
    options = set(re.findall(r"(?<!\S)(--[a-z][a-z-]*)", page))
    assert options == {option for option in options if option in known}
    assert {"--here", "--content", "--verbosity"} <= options


def test_it_can_be_called_by_other_programs(site: Site) -> None:
    site.told('save("a"); say(0)')
    code = "import django; django.setup(); from django.core.management import call_command as call; import threading\n"
    code += "thread = threading.Thread(target=call, args=['process_pending_mirror_tasks'], kwargs={'verbosity': 0})\n"
    code += "thread.start(); thread.join()"

    beside = site.start("timeit", "-n1", "-r1", code)

    assert 0 == beside.wait(120), (site.folder / "beside.log").read_text()
    assert site.pair.equal
