"""mcmirror.toml: what it comes to, and what is said about it when it is wrong."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mcmirror.config import ConfigError, Configuration, Mistake, load, select
from mcmirror.model.job import Assurance, Job, MaxDelete, MirrorOptions
from mcmirror.model.location import Location

ALIASES = """
[alias.onprem]
url = "https://minio.example.com:9000"
access_key = "{env:ONPREM_ACCESS_KEY}"
secret_key = "{file:onprem.key}"

[alias.aws]
url = "https://s3.eu-central-1.amazonaws.com"
"""
JOB = """
[job.photos]
source = "onprem/photos"
target = "aws/copy"
"""


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Configuration]:
    def read_text(text: str, **environ: str) -> Configuration:
        (tmp_path / "mcmirror.toml").write_text(text)
        return load(None, {"HOME": str(tmp_path / "home"), **environ}, tmp_path, needs_jobs=True)

    return read_text


def mistakes(read: Callable[..., Configuration], text: str, **environ: str) -> list[Mistake]:
    with pytest.raises(ConfigError) as caught:
        read(text, **environ)
    return list(caught.value.mistakes)


def only(read: Callable[..., Configuration], text: str) -> tuple[str, str, str]:
    (mistake,) = mistakes(read, text)
    return mistake.key, mistake.message, mistake.remedy


def test_the_agreed_example_is_read(tmp_path: Path) -> None:
    example = Path(__file__).parents[1] / "examples" / "mcmirror.toml"
    configuration = load(example, {"HOME": str(tmp_path)}, tmp_path, needs_jobs=True)
    photos = configuration.jobs["photos"]
    assert Location("onprem", "photos") == photos.source
    assert MaxDelete(25.0) == photos.max_delete
    assert ("*.tmp", "*.log", ".DS_Store") == photos.options.exclude
    assert 32 == photos.options.workers
    assert 60.0 == photos.retry_delay
    assert "0 2 * * *" == configuration.schedules["photos"].cron
    assert 26 * 3600.0 == configuration.schedules["photos"].max_age
    assert 1800.0 == configuration.schedules["local-backup"].every
    assert ("failure", "change", "recovery", "digest") == configuration.notifiers["ops"].on
    assert Location("", "/var/lib/app/files") == configuration.jobs["local-backup"].source
    assert () == configuration.notes
    assert {"ops"} == {*configuration.schedules["photos"].notify, *configuration.schedules["local-backup"].notify}


def test_a_job_of_two_lines_has_the_safe_defaults(read: Callable[..., Configuration]) -> None:
    job = read(ALIASES + JOB).jobs["photos"]
    assert Job("photos", Location("onprem", "photos"), Location("aws", "copy")) == job
    assert not job.options.overwrite
    assert not job.options.remove
    assert job.options.skip_errors


def test_every_option_arrives(read: Callable[..., Configuration]) -> None:
    job = read(
        ALIASES
        + JOB
        + """
overwrite = true
remove = true
max_delete = 7
exclude = ["a/*"]
newer_than = "7d10h"
older_than = "1h"
limit_upload = "10 MiB"
limit_download = 1000000
workers = "auto"
storage_class = "STANDARD_IA"
preserve = true
attr = "a=b;c=d"
checksum = "crc32c"
skip_errors = false
dry_run = true
prefix = "{yesterday:%Y/%m/%d}"
region = "eu-west-1"
create_target = true
assurance = "full"
retries = 0
retry_delay = "1m30s"
stall_timeout = "5m"
strict = true
timezone = "Asia/Seoul"
"""
    ).jobs["photos"]
    assert job == Job(
        "photos",
        Location("onprem", "photos"),
        Location("aws", "copy"),
        MirrorOptions(
            overwrite=True,
            remove=True,
            dry_run=True,
            preserve=True,
            skip_errors=False,
            exclude=("a/*",),
            newer_than="7d10h",
            older_than="1h",
            limit_upload="10MiB",
            limit_download="1000000",
            workers=None,
            storage_class="STANDARD_IA",
            attr="a=b;c=d",
            checksum="CRC32C",
            region="eu-west-1",
        ),
        Assurance.FULL,
        MaxDelete(None, 7),
        create_target=True,
        strict=True,
        retries=0,
        retry_delay=90.0,
        stall_timeout=300.0,
        prefix="{yesterday:%Y/%m/%d}",
        timezone="Asia/Seoul",
    )


def test_stopping_at_the_first_error_is_a_choice_of_the_job_or_of_all(read: Callable[..., Configuration]) -> None:
    jobs = read(
        "[defaults]\nskip_errors = false\n" + ALIASES + JOB
        + '[job.patient]\nsource = "onprem/docs"\ntarget = "aws/docs"\nskip_errors = true\n'
    ).jobs  # fmt: skip
    assert (False, True) == (jobs["photos"].options.skip_errors, jobs["patient"].options.skip_errors)


@pytest.mark.parametrize(
    ("text", "expected"), [('"1GiB"', 1 << 30), ("200000000", 200_000_000), ('"128 MiB"', 1 << 27)]
)
def test_memory_is_a_size(read: Callable[..., Configuration], text: str, expected: int) -> None:
    assert expected == read(ALIASES + JOB + f"max_memory = {text}\n").jobs["photos"].max_memory


@pytest.mark.parametrize("text", ['"much"', '"1MiB"', "0", '"99999999PiB"'])
def test_memory_that_mc_cannot_work_in(read: Callable[..., Configuration], text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(ALIASES + JOB + f"max_memory = {text}\n")
    assert ["job.photos.max_memory"] == [mistake.key for mistake in caught.value.mistakes]


def test_a_job_starts_from_the_defaults_and_its_own_trigger_replaces_theirs(read: Callable[..., Configuration]) -> None:
    configuration = read(
        '[defaults]\noverwrite = true\nretries = 9\ncron = "@daily"\n' + ALIASES + JOB + 'every = "1h"\nretries = 1'
    )
    assert configuration.jobs["photos"].options.overwrite
    assert 1 == configuration.jobs["photos"].retries
    assert ("", 3600.0) == (configuration.schedules["photos"].cron, configuration.schedules["photos"].every)


def test_every_mistake_comes_at_once_with_key_reason_and_remedy(
    read: Callable[..., Configuration], tmp_path: Path
) -> None:
    text = (
        'paralel = 2\n[settings]\nparalell = 3\nlisten = "8080"\n'
        + ALIASES.replace("https://minio", "minio")
        + JOB.replace("photos]", "photos]\noverwritten = true\nretries = -1\ncron = '0 25 * * *'").replace(
            "aws/", "asw/"
        )
    )
    found = mistakes(read, text)
    assert {
        "paralel",
        "settings.paralell",
        "settings.listen",
        "alias.onprem.url",
        "job.photos.overwritten",
        "job.photos.retries",
        "job.photos.cron",
        "job.photos.target",
    } == {mistake.key for mistake in found}
    by_key = {mistake.key: mistake for mistake in found}
    assert "Did you mean parallel?" == by_key["settings.paralell"].remedy
    assert "Did you mean overwrite?" == by_key["job.photos.overwritten"].remedy
    assert "Did you mean aws? Or write ./asw/copy for a folder." == by_key["job.photos.target"].remedy
    assert 'Write "https://minio.example.com:9000".' == by_key["alias.onprem.url"].remedy
    assert {str(tmp_path / "mcmirror.toml")} == {mistake.file for mistake in found}
    assert all(mistake.message and mistake.remedy for mistake in found)


def test_a_syntax_error_names_its_line(read: Callable[..., Configuration]) -> None:
    (wrong,) = mistakes(read, "[settings]\nparallel = three\n")
    assert (2, "column 12") == (wrong.line, wrong.key)
    assert "no TOML" in wrong.message


@pytest.mark.parametrize(
    ("line", "key", "remedy"),
    [
        ('exclude = ["*.tmp", ""]', "exclude.2", "Remove it."),
        ('exclude = ["/a/*"]', "exclude.1", 'Write "a/*".'),
        ('exclude = "*.tmp"', "exclude", 'Write ["one", "two"].'),
        ('limit_upload = "10Mbit"', "limit_upload", 'Write "1.25MB".'),
        ('limit_upload = "10MiB/s"', "limit_upload", 'Write "10MiB".'),
        ("limit_upload = true", "limit_upload", "Write one of the two."),
        ("retry_delay = 60", "retry_delay", "Put it between quotes."),
        ('retry_delay = "60"', "retry_delay", 'Write a number with its unit: "60s", "30m", "26h" or "1d".'),
        ('every = "0s"', "every", 'Write more than zero, for example "30m".'),
        ('checksum = "MD5"', "checksum", "Write one of CRC32, CRC32C, CRC64NVME, SHA1, SHA256."),
        ('checksum = "SHA-256"', "checksum", "Write SHA256."),
        ('newer_than = "1w"', "newer_than", 'Write whole days, hours, minutes, seconds: "7d10h31m5s", "30d".'),
        ('timezone = "Asia/Soul"', "timezone", "Write Asia/Seoul."),
        ('max_delete = "some"', "max_delete", 'Write "25%", a number of objects, or "unlimited".'),
        ('max_delete = "125%"', "max_delete", 'Write "25%", a number of objects, or "unlimited".'),
        ("overwrite = 1", "overwrite", "Write true or false, without quotes."),
        ('assurance = "half"', "assurance", 'Write "full" or "off".'),
        ("retries = 1001", "retries", "Write a number less than or equal to 1000."),
        ('older_than = "9999999d"', "older_than", 'Write "36500d" or less.'),
        ('stall_timeout = "9999999d"', "stall_timeout", 'Write "3650d" or less.'),
        ('limit_upload = "2000PB"', "limit_upload", 'Write "1PiB" or less, or leave it out.'),
        ('max_delete = "inf"', "max_delete", 'Write "25%", a number of objects, or "unlimited".'),
        ("workers = 0", "workers", "Write a number, for example 3."),
        ('attr = "a"', "attr", 'Write "key=value;key2=value2".'),
        ('prefix = "{tomorrow}"', "prefix", "Write {today}, {yesterday:%Y/%m/%d} or {today-3d:%Y%m%d}."),
        ('notify = ["opps"]', "notify", "Define it as [notify.opps]."),
        ('cron = "@dayly"', "cron", "Write @daily."),
        ('cron = "@daily"\nevery = "1h"', "every", "Keep one of them."),
        (
            'remove = true\nassurance = "off"',
            "assurance",
            'Write max_delete = "unlimited" if that is meant, or assurance = "full".',
        ),
    ],
)
def test_a_value_that_cannot_be_meant(read: Callable[..., Configuration], line: str, key: str, remedy: str) -> None:
    found = only(read, ALIASES + JOB + line)
    assert (f"job.photos.{key}", remedy) == (found[0], found[2])


def test_assurance_off_may_remove_when_no_limit_is_spelled_out(read: Callable[..., Configuration]) -> None:
    job = read(ALIASES + JOB + 'remove = true\nassurance = "off"\nmax_delete = "unlimited"').jobs["photos"]
    assert Assurance.OFF is job.assurance


@pytest.mark.parametrize(
    ("source", "target", "wrong"),
    [
        ("aws/bucket", "aws/bucket", True),
        ("aws/bucket", "aws/bucket/below", True),
        ("aws/bucket/below", "aws/bucket", True),
        ("aws/bucket", "same/bucket", True),
        ("aws/bucket", "aws/bucket-2", False),
        ("aws/bucket/a", "aws/bucket/ab", False),
        ("./a", "./a/b", True),
        ("./a", "./b", False),
        ("onprem/bucket", "aws/bucket", False),
    ],
)
def test_source_and_target_may_not_lie_in_each_other(
    read: Callable[..., Configuration], source: str, target: str, wrong: bool
) -> None:
    same = '[alias.same]\nurl = "https://s3.eu-central-1.amazonaws.com/"\n'
    text = f'{ALIASES}{same}[job.one]\nsource = "{source}"\ntarget = "{target}"\n'
    if wrong:
        assert "job.one.target" == only(read, text)[0]
    else:
        assert ["one"] == list(read(text).jobs)


def test_an_alias_must_exist_somewhere(read: Callable[..., Configuration], tmp_path: Path) -> None:
    job = '[job.one]\nsource = "files/abc"\ntarget = "mine/bucket"\n'
    environ = {"MC_HOST_mine": "https://AK:SK@host"}
    (mistake,) = mistakes(read, job, **environ)
    assert "there is no alias 'files'" == mistake.message
    assert "Define it: mcmirror alias set files URL. Or write ./files/abc for a folder." == mistake.remedy
    (tmp_path / "files").mkdir()
    (mistake,) = mistakes(read, job, **environ)
    assert 'Write "./files/abc" if the folder files is meant.' == mistake.remedy
    configuration = read(job.replace("files/", "./files/"), **environ)
    assert Location("", str(tmp_path / "files" / "abc")) == configuration.jobs["one"].source


def test_a_bucket_that_cannot_be_may_be_a_folder(read: Callable[..., Configuration]) -> None:
    key, message, remedy = only(read, ALIASES + '[job.one]\nsource = "onprem/a"\ntarget = "aws/bucket"\n')
    assert ("job.one.source", "'a' cannot be a bucket") == (key, message)
    assert remedy.endswith('For a folder write "./onprem/a".')


def test_a_missing_variable_breaks_only_the_alias_that_needs_it(
    read: Callable[..., Configuration], tmp_path: Path
) -> None:
    configuration = read(ALIASES + JOB)
    assert "https://s3.eu-central-1.amazonaws.com" == configuration.aliases["aws"].url
    with pytest.raises(ConfigError) as caught:
        configuration.aliases["onprem"]
    keys = [mistake.key for mistake in caught.value.mistakes]
    assert ["alias.onprem.access_key", "alias.onprem.secret_key"] == keys
    assert "ONPREM_ACCESS_KEY_FILE" in str(caught.value)


def test_references_are_replaced_and_the_last_newline_goes(read: Callable[..., Configuration], tmp_path: Path) -> None:
    (tmp_path / "onprem.key").write_text("s3cret value\r\n")
    (tmp_path / "access").write_text("from a file\n")
    alias = read(ALIASES + JOB, ONPREM_ACCESS_KEY_FILE="access").aliases["onprem"]
    assert ("from a file", "s3cret value") == alias.secrets()
    assert "s3cret" not in repr(alias)


def test_no_message_and_no_repr_shows_a_literal_secret(read: Callable[..., Configuration]) -> None:
    secret = "hunter2-hunter2"
    text = ALIASES.replace("{file:onprem.key}", secret) + JOB
    configuration = read(text)
    assert secret not in repr(configuration)
    assert secret not in repr(list(vars(configuration.aliases).values()))
    found = mistakes(read, text + 'retries = "x"\n[alias.b]\nurl = 3\nsecret_key = ["' + secret + '"]')
    assert secret not in repr(found)
    assert {"job.photos.retries", "alias.b.url", "alias.b.secret_key"} == {mistake.key for mistake in found}


def test_a_literal_secret_that_others_may_read_is_noted(read: Callable[..., Configuration], tmp_path: Path) -> None:
    text = ALIASES.replace("{file:onprem.key}", "literal") + JOB
    assert ["alias.onprem.secret_key"] == [note.split()[2] for note in read(text).notes]
    (tmp_path / "mcmirror.toml").chmod(0o600)
    assert () == load(tmp_path / "mcmirror.toml", {}, tmp_path).notes


def test_the_file_is_searched_upwards_and_may_be_named(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (tmp_path / "mcmirror.toml").write_text("")
    (tmp_path / "other.toml").write_text("[settings]\nparallel = 5")
    assert str(tmp_path / "mcmirror.toml") == load(None, {}, deep).origin
    assert 5 == load(None, {"MCMIRROR_CONFIG": str(tmp_path / "other.toml")}, deep).settings.parallel
    assert (
        3 == load(tmp_path / "mcmirror.toml", {"MCMIRROR_CONFIG": str(tmp_path / "other.toml")}, deep).settings.parallel
    )
    with pytest.raises(ConfigError, match="no such file"):
        load(tmp_path / "missing.toml", {}, deep)


def test_without_a_file_there_is_nothing_until_jobs_are_needed(tmp_path: Path) -> None:
    assert Configuration(files=(tmp_path / "mcmirror.toml",)) == load(None, {}, tmp_path)
    with pytest.raises(ConfigError, match="mcmirror init"):
        load(None, {}, tmp_path, needs_jobs=True)
    (tmp_path / "mcmirror.toml").write_text("")
    with pytest.raises(ConfigError, match="there is no job in it"):
        load(None, {}, tmp_path, needs_jobs=True)


def test_jobs_are_selected_by_name(read: Callable[..., Configuration]) -> None:
    configuration = read(ALIASES + JOB + '[job.more]\nsource = "onprem/abc"\ntarget = "aws/abc"\n')
    assert ["photos", "more"] == [job.name for job in select(configuration, [])]
    assert ["more"] == [job.name for job in select(configuration, ["more", "more"])]
    with pytest.raises(ConfigError, match=r"Did you mean photos\?"):
        select(configuration, ["photo", "more"])


def test_wrong_types_hide_no_other_mistake_of_the_job(read: Callable[..., Configuration]) -> None:
    text = """
[job.photos]
sorce = "aws/photos"
target = 3
overwite = true
retries = "three"
cron = "@daily"
every = "1h"
notify = ["opps"]
"""
    assert {
        "source": 'Write source = "alias/bucket", or a folder such as "./files".',
        "sorce": "Did you mean source?",
        "target": 'Write target = "alias/bucket", or a folder such as "./files".',
        "overwite": "Did you mean overwrite?",
        "retries": "Write it without quotes.",
        "every": "Keep one of them.",
        "notify": "Define it as [notify.opps].",
    } == {mistake.key.removeprefix("job.photos."): mistake.remedy for mistake in mistakes(read, ALIASES + text)}


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / "mcmirror.toml").write_text(ALIASES + JOB, encoding="utf-8-sig")
    assert ["photos"] == list(load(None, {}, tmp_path, needs_jobs=True).jobs)


OUTER = '[job.outer]\nsource = "onprem/photos"\ntarget = "aws/copy"\nremove = true\n'
INNER = '[job.inner]\nsource = "onprem/other"\ntarget = "same/copy/in/here"\n'
SAME = '[alias.same]\nurl = "https://s3.eu-central-1.amazonaws.com"\n'


def test_a_job_may_not_remove_what_another_one_copies(read: Callable[..., Configuration]) -> None:
    assert (
        "job.outer.remove",
        "it would remove what job inner copies to same/copy/in/here, for that lies in aws/copy",
        'Write exclude = ["in/here/*"] in job outer, or choose targets that do not lie in each other.',
    ) == only(read, ALIASES + SAME + OUTER + INNER)
    folders = OUTER.replace("aws/copy", "./copy") + INNER.replace("same/copy", "./copy")
    assert "job.outer.remove" == only(read, ALIASES + folders)[0]
    prefixed = INNER.replace("same/copy/in/here", 'same/copy"\nprefix = "in')
    assert "job.outer.remove" == only(read, ALIASES + SAME + OUTER + prefixed)[0]


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        (OUTER.replace("remove = true", "remove = false"), INNER),
        (OUTER + 'exclude = ["in/here/*"]\n', INNER),
        (OUTER + 'exclude = ["in/*"]\n', INNER),
        (OUTER, INNER.replace("onprem/other", "onprem/photos/in/here")),
        (OUTER, INNER.replace("same/copy/in/here", "aws/copy") + "remove = true\n"),
        (OUTER, INNER.replace("same/copy/in/here", "aws/copy-2")),
        (OUTER.replace("aws/copy", "aws/copy/in/here/below"), INNER),
    ],
)
def test_targets_that_do_not_disturb_each_other(read: Callable[..., Configuration], outer: str, inner: str) -> None:
    assert ["outer", "inner"] == list(read(ALIASES + SAME + outer + inner).jobs)


def test_half_a_pair_of_keys_is_no_anonymous_access(read: Callable[..., Configuration]) -> None:
    aliases = read(ALIASES + 'access_key = "AKAKAK"\n' + JOB).aliases
    with pytest.raises(ConfigError, match=r"alias\.aws\.secret_key: there is no secret_key beside the access_key"):
        aliases["aws"]


@pytest.mark.parametrize("text", ["{", "3", '{"aliases": 3}'])
def test_an_alias_that_is_missing_may_be_in_a_file_that_cannot_be_read(
    read: Callable[..., Configuration], tmp_path: Path, text: str
) -> None:
    (tmp_path / "home" / ".mc").mkdir(parents=True)
    (tmp_path / "home" / ".mc" / "config.json").write_text(text)
    _, message, _ = only(read, ALIASES + JOB.replace("onprem/", "mine/"))
    assert message.startswith("there is no alias 'mine'; ")
    assert f"{tmp_path / 'home' / '.mc' / 'config.json'} cannot be used: it is no " in message
