"""[notify.*]: what is valid, what is said about the rest, and what becomes of references."""

from pathlib import Path

import pytest

from mcmirror.config import ConfigError, Configuration, Mistake, load
from mcmirror.config.notifiers import resolved, secrets

JOB = '[job.a]\nsource = "./a"\ntarget = "./b"\nnotify = ["ops"]\n[notify.ops]\n'
JSON = 'type = "webhook"\nformat = "json"\nurl = "{env:W}"\n'
SLACK = 'type = "slack"\ntoken = "{env:T}"\nchannel = "C1"\n'


def read(folder: Path, text: str) -> Configuration:
    (folder / "mcmirror.toml").write_text(JOB + text)
    (folder / "mcmirror.toml").chmod(0o600)
    return load(None, {"HOME": str(folder)}, folder, needs_jobs=True)


def mistake(folder: Path, text: str) -> Mistake:
    with pytest.raises(ConfigError) as caught:
        read(folder, text)
    (found,) = caught.value.mistakes
    return found


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ('type = "slack"\ntoken = "{env:T}"', "channel", "a slack needs its channel"),
        ('type = "slack"\nchannel = "C1"', "token", "SLACK_BOT_TOKEN"),
        ('type = "slack"\nurl = "https://hooks.example.com/x"\ntoken = "t"\nchannel = "C1"', "url", "webhook ="),
        ('type = "slack"\nwebhook = "{env:W}"\nchannel = "C1"', "channel", "take webhook out"),
        ('type = "webhook"', "url", "a webhook needs its url"),
        ('type = "webhook"\nurl = "{env:W}"\nchannel = "C1"', "channel", 'For Slack write type = "slack".'),
        ('type = "webhook"\nurl = "hc.example.com"', "url", "begin with http"),
        (SLACK + 'api_url = "https://slack.example.com"', "api_url", "does not end with /api/"),
        (SLACK + 'on = ["failures"]', "on.1", "failure"),
        (SLACK + 'digest = "8:00"', "digest", "two digits each"),
        (SLACK + 'digest = "08:00"\ntimezone = "Europe/Berln"', "timezone", "Europe/Berlin"),
        ('type = "webhook"\nurl = "{env:W}"\non = ["digest"]', "on", 'format = "json"'),
        ('type = "webhook"\nurl = "{env:W}"\nsecret = "{env:S}"', "secret", 'format = "json"'),
        (JSON + 'template = "{titel}"', "template", "{title}"),
        (JSON + "template = '{\"text\": {title}}'", "template", "Put texts in quotes"),
        (JSON + "template = '{\"number\": {copied_objects},}'", "template", "this is no JSON"),
        (SLACK + 'template = "{title}"', "template", 'type = "webhook"'),
        (SLACK + "on = []", "on", "nothing would be told"),
        (JSON + "on = []", "on", 'Write on = ["failure"] or more'),
        (JSON + 'secret = ""', "secret", "an empty key signs nothing"),
        (JSON + 'secret = " "', "secret", "{env:NAME}"),
        (JSON + 'template = ""', "template", "is empty. Write a value, or take it out."),
        ('type = "slack"\ntoken = ""\nchannel = "C1"', "token", "is empty"),
        ('type = "slack"\ntoken = "{env:T}"\nchannel = " "', "channel", "is empty"),
        ('type = "webhook"\nurl = ""', "url", "begin with http"),
        (SLACK + 'digest = "24:00"', "digest", "'24:00' is no time of day"),
        (SLACK + 'digest = ""', "digest", "two digits each"),
    ],
)
def test_what_does_not_fit(tmp_path: Path, text: str, key: str, words: str) -> None:
    found = mistake(tmp_path, text)
    assert f"notify.ops.{key}" == found.key
    assert words in str(found)


def test_defaults_depend_on_who_is_told(tmp_path: Path) -> None:
    assert ("failure", "change", "recovery") == read(tmp_path, SLACK).notifiers["ops"].on
    assert ("start", "success", "failure") == read(tmp_path, 'type = "webhook"\nurl = "{env:W}"').notifiers["ops"].on
    # Who hears of the digest alone.
    alone = read(tmp_path, SLACK + 'on = []\ndigest = "08:00"').notifiers["ops"]
    assert ((), "08:00") == (alone.on, alone.digest)
    json = read(tmp_path, JSON).notifiers["ops"]
    assert ("json", ("failure", "change", "recovery"), "") == (json.format, json.on, json.digest)


def test_a_digest_has_a_time_and_a_zone(tmp_path: Path) -> None:
    assert "08:00" == read(tmp_path, SLACK + 'on = ["digest"]').notifiers["ops"].digest
    written = read(tmp_path, SLACK + 'digest = "23:59"\ntimezone = "Asia/Seoul"').notifiers["ops"]
    assert ("23:59", "Asia/Seoul") == (written.digest, written.timezone)


@pytest.mark.parametrize(
    "text", ["{title}", "{job}: {title}", ' {"text": "{title}", "n": {exit_code}}', "no places {}"]
)
def test_templates_that_will_do(tmp_path: Path, text: str) -> None:
    assert text == read(tmp_path, JSON + f"template = '{text}'").notifiers["ops"].template


def test_a_signing_secret_is_resolved_and_kept(tmp_path: Path) -> None:
    found = resolved(read(tmp_path, JSON + 'secret = "{env:S}"'), "ops", {"W": "https://e.x/abcdefgh", "S": "hunter22"})
    assert "hunter22" == found.secret
    assert "hunter22" in secrets(found)
    assert "hunter22" not in repr(found)


def test_a_notifier_that_nobody_tells_anything_is_noted(tmp_path: Path) -> None:
    (note,) = read(tmp_path, SLACK + "[notify.other]\n" + SLACK).notes
    assert note.startswith("notify.other: no job tells it anything")


def test_an_address_in_a_file_that_others_read_is_a_secret(tmp_path: Path) -> None:
    read(tmp_path, 'type = "slack"\nwebhook = "https://hooks.example.com/services/x"')
    (tmp_path / "mcmirror.toml").chmod(0o644)
    (note,) = load(None, {"HOME": str(tmp_path)}, tmp_path, needs_jobs=True).notes
    assert "notify.ops.webhook" in note
    assert "services" not in note


def test_references_are_resolved_when_they_are_used(tmp_path: Path) -> None:
    (tmp_path / "hook").write_text("https://hooks.example.com/services/T0/whoever-knows-it\n")
    hook = read(tmp_path, 'type = "slack"\nwebhook = "{file:hook}"')
    found = resolved(hook, "ops", {})
    assert "https://hooks.example.com/services/T0/whoever-knows-it" == found.webhook
    assert {found.webhook, "services/T0/whoever-knows-it", "whoever-knows-it"} == set(secrets(found))
    assert "whoever" not in repr(found)
    bot = resolved(read(tmp_path, SLACK), "ops", {"T": "xoxb-1 ", "SLACK_API_URL": "https://slack.example.com/api/"})
    assert ("xoxb-1", "https://slack.example.com/api/") == (bot.token, bot.api_url)


@pytest.mark.parametrize(
    ("environ", "key"),
    [
        ({}, "notify.ops.token"),
        ({"T": "t", "SLACK_API_URL": "https://slack.example.com"}, "SLACK_API_URL"),
    ],
)
def test_what_cannot_be_resolved(tmp_path: Path, environ: dict[str, str], key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        resolved(read(tmp_path, SLACK), "ops", environ)
    assert [key] == [found.key for found in caught.value.mistakes]


@pytest.mark.parametrize("key", ["secret", "url"])
def test_a_reference_to_nothing_but_blanks(tmp_path: Path, key: str) -> None:
    environ = {"W": "https://e.x/abcdefgh", "S": "hunter22", {"secret": "S", "url": "W"}[key]: " \n"}
    with pytest.raises(ConfigError) as caught:
        resolved(read(tmp_path, JSON + 'secret = "{env:S}"'), "ops", environ)
    (found,) = caught.value.mistakes
    assert (f"notify.ops.{key}", True) == (found.key, found.message.startswith("what it refers to is blank"))


@pytest.mark.parametrize("text", ["hunter22", "https://", "https://[hunter22"])
def test_a_reference_to_something_else_than_an_address(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        resolved(read(tmp_path, 'type = "webhook"\nurl = "{env:T}"'), "ops", {"T": text})
    assert ["notify.ops.url"] == [found.key for found in caught.value.mistakes]
    assert "hunter22" not in str(caught.value)


def test_messages_can_name_the_service(tmp_path: Path) -> None:
    configuration = read(tmp_path, SLACK + '[settings]\nservice = "shop"')
    assert "shop" == configuration.settings.service


def test_the_sidecars_environment_knows_slack_too(tmp_path: Path) -> None:
    environ = {"S3_SYNC_ENABLED": "true", "S3_SYNC_ACCESS_KEY": "a", "S3_SYNC_SECRET_KEY": "b", "S3_SYNC_BUCKET": "ccc"}
    slack = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_CHANNEL_ID": "C1"}
    configuration = load(None, {"HOME": str(tmp_path), **environ, **slack}, tmp_path, needs_jobs=True)
    assert ("slack",) == configuration.schedules["s3-sync"].notify
    assert "xoxb-1" == resolved(configuration, "slack", {}).token


def test_a_reference_that_cannot_be_read_is_one_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        resolved(read(tmp_path, 'type = "webhook"\nurl = "{env:T}"'), "ops", {"T": '"https://e.x/abcdefgh"'})
    (found,) = caught.value.mistakes
    assert ("notify.ops.url", True) == (found.key, "quotes" in found.message)
