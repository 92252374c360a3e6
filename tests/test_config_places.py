"""Mistakes of a configuration: the line they stand on, what the key is called here, and what is not built yet."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from mcmirror.config import ConfigError, Mistake, load
from mcmirror.config.lines import located

ALIASES = """\
[alias.src]
url = "http://127.0.0.1:9001"
[alias.dst]
url = "http://127.0.0.1:9002"
"""
JOB = '[job.photos]\nsource = "src/photos"\ntarget = "dst/photos"\n'


def mistakes(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> tuple[Mistake, ...]:
    file = folder / "mcmirror.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(file, environ or {"HOME": str(folder)}, folder, needs_jobs=True)
    return caught.value.mistakes


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("[settings]\n\nparalel = 3\n" + ALIASES + JOB, {"settings.paralel": 3}),
        (ALIASES + "\n# a comment\n" + JOB + "retries = 'x'", {"job.photos.retries": 10}),
        ("# = [x]\n[job.photos] # here\nsource = './a'\n", {"job.photos.target": 2}),
        ("job.photos.source = './a'\njob.photos.target = './b'\njob.photos.foo = 1\n", {"job.photos.foo": 3}),
        ("[job]\nphotos = {source = './a', target = './b', foo = 1}\n", {"job.photos.foo": 2}),
        ("[job.'my photos']\nsource = './a'\n'target' = './b'\nevery = 3\n", {"job.my photos.every": 4}),
        ("[job.a]\nsource = './a'\ntarget = './b'\nexclude = [\n 'x',\n '',\n]\n", {"job.a.exclude.2": 4}),
        ("foo = 1\n" + ALIASES + JOB, {"foo": 1}),
        ("x = [\n  1,\n", {"": 2}),
    ],
)
def test_a_mistake_has_the_line_of_its_key_or_of_its_table(text: str, lines: dict[str, int], tmp_path: Path) -> None:
    found = mistakes(tmp_path, text)
    assert list(lines.values()) == [one.line for one in found]
    if "" not in lines:
        assert list(lines) == [one.key for one in found]
    assert all(f"mcmirror.toml:{one.line}: " in str(one) for one in found)


def test_a_key_that_stands_nowhere_has_no_line() -> None:
    mistake = Mistake("f", "alias.a.url", "is missing", "Write it.")
    assert (0, "f: alias.a.url: is missing. Write it.") == (located([mistake], "")[0].line, str(mistake))


def test_a_variable_that_is_not_set_is_named_with_its_key_and_line(tmp_path: Path) -> None:
    file = tmp_path / "mcmirror.toml"
    file.write_text('[alias.aa]\nurl = "http://x"\nsecret_key = "x"\naccess_key = "{env:NOPE}"\n')
    configuration = load(file, {"HOME": str(tmp_path)}, tmp_path)
    with pytest.raises(ConfigError) as caught:
        configuration.aliases["aa"]
    (mistake,) = caught.value.mistakes
    assert ("NOPE is not set (alias.aa.access_key)", 4) == (mistake.sentence, mistake.line)


AGENT = '[agent.seoul]\nkey = "{env:KEY}"\n'
STORE = '[settings]\nexecutor = "store"\n'


@pytest.mark.parametrize(
    ("text", "key", "words", "remedy"),
    [
        ('[settings]\nexecutor = "celery"\n' + AGENT, "settings.executor", "needs a broker", "redis://"),
        ('[settings]\nbroker = "redis://h"\n', "settings.broker", "only executor celery", 'executor = "celery"'),
        ('[settings]\nexecutor = "stor"\n', "settings.executor", "none of the values", '"store"'),
        ('[settings]\nexecutor = "celery"\nbroker = "rediss:/h"\n' + AGENT, "settings.broker", "no broker", "redis://"),
        (
            '[settings]\nexecutor = "celery"\nbroker = "redi://h"\n' + AGENT,
            "settings.broker",
            "no broker",
            "mean redis",
        ),
        (STORE, "settings.executor", "none is defined", "[agent.NAME]"),
        (AGENT, "agent.seoul", "no executor", 'executor = "store"'),
        (STORE + "[agent.seoul]\n", "agent.seoul.key", "needs its key", "mcmirror agent key"),
        (STORE + AGENT.replace("seoul", "list"), "agent.list", "is a command", "[agent.list-1]"),
        (STORE + AGENT + '[defaults]\nagent = "seol"\n', "defaults.agent", "no [agent.seol]", "mean seoul?"),
        ('[defaults]\nagent = "seoul"\n', "defaults.agent", "no [agent.seoul]", "Define it"),
        (STORE + AGENT + AGENT.replace("seoul", "tokyo"), "job.photos", "several agents", 'agent = "seoul"'),
    ],
)
def test_what_agents_lack_is_a_mistake(text: str, key: str, words: str, remedy: str, tmp_path: Path) -> None:
    found = {mistake.key: mistake for mistake in mistakes(tmp_path, text + ALIASES + JOB)}
    assert key in found
    assert words in found[key].message
    assert remedy in found[key].remedy
    assert found[key].line


def test_a_folder_of_an_agent_is_not_followed_from_here(tmp_path: Path) -> None:
    job = '[job.photos]\nsource = "/srv/photos"\ntarget = "dst/photos"\nrealtime = true\n'
    (found,) = mistakes(tmp_path, STORE + AGENT + ALIASES + job + 'agent = "seoul"\n')
    assert ("job.photos.realtime", 'Write events = "poll:60s", or every in place of realtime.') == (
        found.key, found.remedy,
    )  # fmt: skip
    file = tmp_path / "mcmirror.toml"
    file.write_text(STORE + AGENT + ALIASES + job + 'agent = "seoul"\nevents = "poll:60s"\n')
    assert "photos" in load(file, {"HOME": str(tmp_path)}, tmp_path, needs_jobs=True).jobs


def test_the_only_agent_has_the_jobs_that_name_none(tmp_path: Path) -> None:
    file = tmp_path / "mcmirror.toml"
    file.write_text(STORE + AGENT + ALIASES + JOB)
    configuration = load(file, {"HOME": str(tmp_path)}, tmp_path, needs_jobs=True)
    assert ["seoul"] == [job.agent for job in configuration.jobs.values()]


def test_what_stays_as_it_is_needs_no_word(tmp_path: Path) -> None:
    file = tmp_path / "mcmirror.toml"
    file.write_text('[settings]\nexecutor = "local"\n[defaults]\nrealtime = false\n' + ALIASES + JOB)
    assert () == load(file, {"HOME": str(tmp_path)}, tmp_path, needs_jobs=True).notes


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ('schedule = "*/5 * * * *"', 'Write cron = "*/5 * * * *".'),
        ('schedule = "@daily"', 'Write cron = "@daily".'),
        ('schedule = "90m"', 'Write every = "90m".'),
        ('shedule = "nightly"', 'Write cron = "0 2 * * *", or every = "30m".'),
        ('bandwith = "10MB"', "limit_upload"),
        ('mode = "real-time"', "Write realtime = true."),
        ('agents = ["one"]', "Did you mean agent?"),
        ("real_time = true", "Write realtime = true."),
        ('dst = "aws/bucket"', "Write target ="),
        ('mode = "Mirror"', "overwrite = true replaces what differs"),
        ('bandwidth = "10MB"', "limit_upload"),
        ("delete = true", "Write remove = true."),
        ("delete-propagation = true", "Write remove = true."),
        ("overwritten = true", "Did you mean overwrite?"),
    ],
)
def test_a_key_of_another_program_leads_to_ours(line: str, remedy: str, tmp_path: Path) -> None:
    (mistake,) = mistakes(tmp_path, ALIASES + JOB + line)
    assert remedy in mistake.remedy


def test_what_is_not_built_is_not_offered(tmp_path: Path) -> None:
    (mistake,) = mistakes(tmp_path, ALIASES + JOB + "xyzzy = 1")
    offered = mistake.remedy.removeprefix("There are: ").rstrip(".").split(", ")
    assert {"overwrite", "source"} <= set(offered)


def test_a_job_without_a_name_is_told_where_its_name_belongs(tmp_path: Path) -> None:
    found = mistakes(tmp_path, ALIASES + JOB.replace("[job.photos]", "[job]"))
    assert {("job.source", "[job.NAME]"), ("job.target", "[job.NAME]")} <= {
        (one.key, "[job.NAME]" if "[job.NAME]" in one.remedy else one.remedy) for one in found
    }


@pytest.mark.parametrize("name", ["Mirror Production to DR", "a b", "Ü 1", "x.y-z_0"])
def test_a_job_may_have_spaces_in_its_name(name: str, tmp_path: Path) -> None:
    file = tmp_path / "mcmirror.toml"
    file.write_text(ALIASES + JOB.replace("[job.photos]", f'[job."{name}"]'))
    assert [name] == list(load(file, {"HOME": str(tmp_path)}, tmp_path, needs_jobs=True).jobs)


@pytest.mark.parametrize("name", [" a", "a ", "-a", "a/b", "a\tb", ".", ""])
def test_a_name_that_could_not_be_typed_is_a_mistake(name: str, tmp_path: Path) -> None:
    text = ALIASES + JOB.replace("[job.photos]", f'[job."{name}"]'.replace("\t", "\\t"))
    assert "cannot be the name of a job" in mistakes(tmp_path, text)[0].message


LIVE = '[job.{name}]\nsource = "{source}"\ntarget = "{target}"\nrealtime = true\n{more}\n'


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (("aa/one", "bb/two", ""), ("bb/two", "aa/one", ""), "that copies it back"),
        (("aa/one/x", "bb/two", ""), ("bb/two", "aa/one", ""), "that copies it back"),
        (
            ("aa/one", "bb/two", 'events = "sqs://q/1"'),
            ("aa/one", "bb/three", 'events = "sqs://q/1"'),
            "takes the messages",
        ),
        (("aa/one", "bb/two", ""), ("aa/one", "bb/three", 'assurance = "off"'), "verifies each change"),
        (("aa/one", "bb/two", ""), ("aa/one", "bb/three", 'prefix = "{today}"'), "changes by the day"),
        (("aa/one", "bb/two", ""), ("aa/one", "bb/three", "dry_run = true"), "copies what changes"),
        (("aa/one", "bb/two", ""), ("aa/one", "bb/three", 'events = "wach"'), "no channel of events"),
        (("aa/one", "bb/two", ""), ("aa/one", "bb/three", 'canary = "/x"'), "no prefix of keys"),
        (("aa/one", "bb/two", ""), ("aa/one", "bb/three", 'prefix = "plain"'), ""),
    ],
)
def test_jobs_in_real_time_that_cannot_be_meant(
    first: tuple[str, str, str], second: tuple[str, str, str], words: str, tmp_path: Path
) -> None:
    servers = "".join(f'[alias.{name}]\nurl = "http://{name}:9000"\n' for name in ("aa", "bb"))
    jobs = [
        LIVE.format(name=f"j{number}", source=source, target=target, more=more)
        for number, (source, target, more) in enumerate((first, second))
    ]
    found = mistakes(tmp_path, servers + "".join(jobs)) if words else []

    assert len(found) == bool(words)
    assert all(words in f"{one.message} {one.remedy}" for one in found)


def test_real_time_has_its_defaults_and_leaves_its_canary_out(tmp_path: Path) -> None:
    file = tmp_path / "mcmirror.toml"
    servers = "".join(f'[alias.{name}]\nurl = "http://{name}:9000"\n' for name in ("aa", "bb"))
    job = LIVE.format(name="j", source="aa/one", target="bb/two", more='exclude = ["*.tmp"]\nevents = "poll:5m"')
    file.write_text(servers + job)
    found = load(file, {"HOME": str(tmp_path)}, tmp_path, needs_jobs=True)

    assert ("*.tmp", ".mcmirror/*") == found.jobs["j"].options.exclude
    realtime = found.schedules["j"].realtime
    assert realtime is not None
    assert ("poll", 300.0, 2.0, 3600.0, 300.0) == (
        realtime.events, realtime.poll_every, realtime.batch_interval, realtime.catch_up_every, realtime.max_lag
    )  # fmt: skip
    assert 3600.0 == found.schedules["j"].every
