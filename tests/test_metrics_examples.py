"""The dashboard, the alert rules and the scrape configuration of examples/, against what is really scraped."""

import json
import re
import subprocess
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from mcmirror.http.server import Web
from mcmirror.model.problem import Category
from mcmirror.model.report import Status
from mcmirror.notify.metrics import OUTCOMES
from tests.promql import Wrong, check
from tests.web_control import Client, InMemory

EXAMPLES = Path(__file__).parents[1] / "examples"
VALUES: dict[str, AbstractSet[str]] = {
    "status": {one.value for one in Status},
    "outcome": set(OUTCOMES),
    "category": {one.value for one in Category},
    "side": {"source", "target"},
}
DASHBOARD: dict[str, Any] = json.loads((EXAMPLES / "grafana-dashboard.json").read_text(encoding="utf-8"))
RULES: dict[str, Any] = yaml.safe_load((EXAMPLES / "prometheus-alerts.yml").read_text(encoding="utf-8"))
PROMETHEUS: dict[str, Any] = yaml.safe_load((EXAMPLES / "prometheus.yml").read_text(encoding="utf-8"))
ALERTS = {rule["alert"]: rule for group in RULES["groups"] for rule in group["rules"]}
PANELS = {panel["title"]: panel for panel in DASHBOARD["panels"]}


@pytest.fixture(scope="module")
def metrics() -> Mapping[str, Mapping[str, AbstractSet[str]]]:
    """What a server answers: label by metric, and the values that a label can have."""
    web = Web(InMemory(), "127.0.0.1:0")
    web.start()
    text = Client(web.address.port).get("/metrics").body.decode()
    web.stop()
    found: dict[str, dict[str, AbstractSet[str]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {}).update({label: VALUES.get(label, set()) for label in sample.labels})
    return found


@pytest.mark.parametrize("alert", list(ALERTS))
def test_an_alert_asks_for_what_there_is(alert: str, metrics: Mapping[str, Mapping[str, AbstractSet[str]]]) -> None:
    used = check(ALERTS[alert]["expr"], metrics)
    assert used
    shown = set(re.findall(r"\$labels\.(\w+)", str(ALERTS[alert]["annotations"])))
    known = {label for name in used for label in metrics[name]}
    assert shown <= known | {"instance"}


def test_the_rules_have_the_shape_that_prometheus_takes() -> None:
    assert ["groups"] == list(RULES)
    names = [group["name"] for group in RULES["groups"]]
    assert len(names) == len(set(names))
    assert len(ALERTS) == sum(len(group["rules"]) for group in RULES["groups"])
    for group in RULES["groups"]:
        assert {"name", "rules"} == set(group)
    for name, rule in ALERTS.items():
        assert (
            {"alert", "expr", "labels", "annotations"} <= set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        )
        assert re.fullmatch(r"[A-Za-z]+", name)
        assert isinstance(rule["expr"], str)
        assert re.fullmatch(r"\d+[smhd]", rule.get("for", "0s")), name
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert {"summary", "description", "runbook_url"} == set(rule["annotations"])
        assert all(isinstance(text, str) for text in rule["annotations"].values())
        assert text_of(rule).count("{{") == text_of(rule).count("}}")


@pytest.mark.parametrize("alert", list(ALERTS))
def test_an_alert_says_what_to_do_and_its_runbook_says_more(alert: str) -> None:
    said = ALERTS[alert]["annotations"]
    assert re.search(r"'mcmirror [a-z]|restart it", said["description"])
    page, _, heading = said["runbook_url"].partition("#")
    section = (EXAMPLES.parent / page).read_text(encoding="utf-8").partition(f"\n## {alert}\n")[2].partition("\n## ")[0]
    assert alert.lower() == heading
    assert re.search(r"\*\*.+\*\*", section, flags=re.DOTALL)
    assert re.search(r"`mcmirror [a-z]|Restart it", section)


def test_every_runbook_has_its_alert() -> None:
    page = (EXAMPLES.parent / "docs" / "alerts.md").read_text(encoding="utf-8")
    assert list(ALERTS) == re.findall(r"^## (\w+)$", page, flags=re.MULTILINE)


def test_the_line_that_makes_runbooks_absolute_does_so(tmp_path: Path) -> None:
    text = (EXAMPLES / "prometheus-alerts.yml").read_text(encoding="utf-8")
    (line,) = re.findall(r"^#   (sed .*)$", text, flags=re.MULTILINE)
    (tmp_path / "prometheus-alerts.yml").write_text(text, encoding="utf-8")
    subprocess.run(["sh", "-euc", line], cwd=tmp_path, check=True)
    changed = yaml.safe_load((tmp_path / "prometheus-alerts.yml").read_text(encoding="utf-8"))
    urls = [rule["annotations"]["runbook_url"] for group in changed["groups"] for rule in group["rules"]]
    assert [f"https://git.example.com/mcmirror/src/main/docs/alerts.md#{name.lower()}" for name in ALERTS] == urls


def text_of(rule: Mapping[str, Any]) -> str:
    return " ".join(rule["annotations"].values())


def test_what_must_not_pass_unheard_has_an_alert() -> None:
    asked = {name: rule["expr"] for name, rule in ALERTS.items()}
    for name, words in {
        "MirrorStale": "mcmirror_job_overdue_timestamp_seconds",
        "MirrorNeverSucceeded": "unless on (job_name, instance) mcmirror_job_last_success_timestamp_seconds",
        "MirrorFailing": 'status=~"failed|partial|interrupted"',
        "MirrorRefused": 'status="refused"',
        "MirrorRemaining": 'outcome="remaining"',
        "MirrorNotifierFailing": "mcmirror_notifier_failures",
        "RelayFailing": "mcmirror_relay_dead_events > 0",
        "MirrorSchedulerDead": "mcmirror_scheduler_heartbeat_age_seconds",
        "MirrorServerAbsent": "absent(",
    }.items():
        assert words in asked[name]


def test_prometheus_reads_the_rules_and_asks_the_port_that_is_the_default() -> None:
    from mcmirror.config.values import DEFAULT_LISTEN

    assert ["prometheus-alerts.yml"] == PROMETHEUS["rule_files"]
    (scrape,) = PROMETHEUS["scrape_configs"]
    assert ("mcmirror", [{"targets": [DEFAULT_LISTEN]}]) == (scrape["job_name"], scrape["static_configs"])


def targets() -> list[tuple[str, str, str]]:
    return [
        (panel["title"], target["expr"], target["legendFormat"])
        for panel in DASHBOARD["panels"]
        for target in panel["targets"]
    ]


@pytest.mark.parametrize(("title", "expression", "legend"), targets())
def test_a_panel_asks_for_what_there_is(
    title: str, expression: str, legend: str, metrics: Mapping[str, Mapping[str, AbstractSet[str]]]
) -> None:
    used = check(expression, metrics)
    assert used
    known = {label for name in used for label in metrics[name]} | {"instance"}
    assert set(re.findall(r"\{\{(\w+)\}\}", legend)) <= known


def test_the_dashboard_can_be_imported_anywhere() -> None:
    """The data source is a variable; panels have ids of their own and do not lie on each other."""
    assert "id" not in DASHBOARD
    variables = {one["name"]: one for one in DASHBOARD["templating"]["list"]}
    assert {"datasource": "datasource", "job_name": "query"} == {name: one["type"] for name, one in variables.items()}
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert sorted(set(ids)) == sorted(ids)
    taken = set[tuple[int, int]]()
    for panel in DASHBOARD["panels"]:
        assert "${datasource}" == panel["datasource"]["uid"]
        assert all("${datasource}" == target["datasource"]["uid"] for target in panel["targets"])
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
        references = [target["refId"] for target in panel["targets"]]
        assert len(references) == len(set(references))


def test_the_dashboard_begins_with_the_table_of_jobs() -> None:
    first = min(DASHBOARD["panels"], key=lambda panel: (panel["gridPos"]["y"], panel["gridPos"]["x"]))
    assert (DASHBOARD["panels"][0], "Jobs", "table", 24) == (
        first,
        first["title"],
        first["type"],
        first["gridPos"]["w"],
    )
    join, organize = first["transformations"]
    assert "job_name" == join["options"]["byField"]
    columns = organize["options"]["renameByName"]
    assert {"job_name", *(f"Value #{target['refId']}" for target in first["targets"])} == set(columns)
    assert columns.keys() == organize["options"]["indexByName"].keys()
    assert {"Job", "Last verdict", "Since the last success", "Remaining", "Next run"} <= set(columns.values())
    # One row per job: each value is asked for now, and by job alone.
    for target in first["targets"]:
        assert ("table", True) == (target["format"], target["instant"])
        assert target["expr"].startswith("max by (job_name) (")
    shaped = {one["matcher"]["options"] for one in first["fieldConfig"]["overrides"]}
    assert shaped <= set(columns.values())


def test_the_dashboard_shows_what_people_ask_for() -> None:
    for title in (
        "Time since the last success",
        "Verdicts",
        "Objects of the last run",
        "Bytes of the last run",
        "Remaining",
        "Problems by category",
        "Duration of the last run",
        "Next run",
        "Notifiers",
    ):
        assert title in PANELS
    verdicts = PANELS["Verdicts"]["fieldConfig"]["defaults"]["mappings"][0]["options"]
    assert [one.value for one in Status] == [one["text"] for one in verdicts.values()]
    numbers = dict(re.findall(r'status="(\w+)"\}\s*\* (\d)', PANELS["Verdicts"]["targets"][0]["expr"]))
    assert {one["text"]: number for number, one in verdicts.items()} == numbers


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("mcmirror_job_stael", "there is no metric mcmirror_job_stael"),
        ('mcmirror_job_stale{job="x"}', "has no label job"),
        ('mcmirror_job_last_run_status{status="good"}', "has no status good"),
        ('mcmirror_job_last_run_status{status=~"failed|bad"}', "has no status bad"),
        ("sum(mcmirror_job_stale", "never closed"),
        ("mcmirror_job_stale)", "closes nothing"),
        ("sum by (categroy) (mcmirror_job_problems_total)", "categroy"),
        ("mcmirror_job_stale{job_name}", "no matcher"),
        ("mcmirror_job_stale ; 1", "what is"),
        ("sum mcmirror_job_stale", "sum is a function"),
    ],
)
def test_the_check_itself_finds_mistakes(
    expression: str, why: str, metrics: Mapping[str, Mapping[str, AbstractSet[str]]]
) -> None:
    with pytest.raises(Wrong, match=re.escape(why)):
        check(expression, metrics)
