"""What Prometheus is told, by its own reader of OpenMetrics; and that the alerts and the Grafana board ask for nothing else."""

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from jobs import tally
from reelqueue.dashboard.metrics.families import COUNTERS, Collected, Facts, Fleet, Money, families
from reelqueue.models.fleet import QueueStanding, WorkerBeat, WorkerJob
from reelqueue.models.meter import Standing
from reelqueue.models.stage import Stage
from reelqueue.tally import FENCED, Tally, labelled
from reelqueue.version import __version__

DEPLOY = Path(__file__).parents[2] / "deploy"
SPEC = {  # of the specification, with their labels
    "reelqueue_stage_runs_total": {"stage", "outcome"},
    "reelqueue_stage_duration_seconds_bucket": {"stage", "le"},
    "reelqueue_queue_depth": {"queue", "state"},
    "reelqueue_queue_oldest_age_seconds": {"queue"},
    "reelqueue_time_to_publish_seconds_bucket": {"le"},
    "reelqueue_worker_up": {"queue"},
    "reelqueue_worker_cpu_ratio": {"queue"},
    "reelqueue_worker_memory_bytes": {"queue", "kind"},
    "reelqueue_worker_slots": {"queue", "state"},
    "reelqueue_lease_takeovers_total": set(),
    "reelqueue_fenced_writes_total": set(),
    "reelqueue_duplicate_hints_total": set(),
    "reelqueue_reconcile_actions_total": {"action"},
    "reelqueue_paid_calls_total": {"provider", "outcome"},
    "reelqueue_cost_usd_total": {"provider"},
    "reelqueue_quota_remaining": {"bucket"},
    "reelqueue_disk_free_bytes": set(),
    "reelqueue_redis_errors_total": {"kind"},
    "reelqueue_progress_gaps_total": set(),
    "reelqueue_build_info": {"version"},
}
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def told(facts: Facts) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample by name and labels, as Prometheus reads it."""
    text = generate_latest(Collected(list(families(facts)))).decode()
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name, frozenset(sample.labels.items())] = sample.value
    return found


def value(facts: Facts, name: str, **labels: str) -> float:
    return told(facts)[name, frozenset(labels.items())]


@pytest.fixture
def busy() -> Facts:
    """Something of everything."""
    job = WorkerJob(job_id="render:7:aa", job="render_video_task", since=NOW, project_id=7, stage=Stage.RENDER)
    worker = WorkerBeat(
        name="host/0123456789abcdef",
        queue="video_generation",
        started_at=NOW,
        seen_at=NOW,
        cpu_places=2,
        wait_places=8,
        jobs=(job,),
        cpu_percent=180.0,
        memory_bytes=900,
        children_bytes=700,
    )
    queues = [
        QueueStanding(name="video_generation", waiting=4, oldest_s=61.5, running=1, parked=2),
        QueueStanding(name="maintenance"),
    ]
    standing = Standing(service="youtube", client="youtube-1a2b3c4d", bucket="uploads", used=40, limit=100, remaining=60)
    return Facts(
        totals={labelled(tally.RUNS, stage="render", outcome="ok"): 3.0, tally.LARGEST: 4e8},
        fleet=Fleet([worker], queues),
        standings=[standing, standing.replace(client="gemini", bucket="gemini-3_flash", limit=None, remaining=None)],
        money=Money(spent=18.2, reserved=0.4, cap=30.0),
        disk_free_bytes=5_000,
        disk_low_water_bytes=1_000,
    )


def test_every_metric_of_the_specification_is_told_with_its_labels(busy):
    names = {name: {label for label, _ in labels} for name, labels in told(busy)}

    assert {name: names.get(name) for name in SPEC} == SPEC


def test_no_label_names_a_project_a_batch_or_a_worker(busy):
    labels = {label for _, labels in told(busy) for label, _ in labels}
    values = {text for _, labels in told(busy) for _, text in labels}

    assert labels == {"stage", "outcome", "le", "queue", "state", "kind", "action", "provider", "bucket", "version"}
    assert not any("host/" in text or text == "7" for text in values)


def test_what_may_be_rare_is_told_from_the_start_as_nothing():
    """Else the first increase would be none: Prometheus knows no value before it."""
    nothing = told(Facts())

    assert {nothing[counter.name, frozenset()] for counter in COUNTERS if not counter.labels} == {0}
    assert nothing["reelqueue_stage_runs_total", frozenset({("stage", "upload"), ("outcome", "fail")})] == 0
    assert nothing["reelqueue_reconcile_actions_total", frozenset({("action", "hint_renewed")})] == 0


def test_what_only_redis_knows_is_not_told_while_it_is_away(busy):
    away = Facts(totals=busy.totals)

    names = {name for name, _ in told(away)}
    assert not any(name.startswith(("reelqueue_queue_", "reelqueue_worker_")) for name in names)
    assert value(away, "reelqueue_redis_up") == 0
    assert value(away, "reelqueue_stage_runs_total", stage="render", outcome="ok") == 3


def test_a_histogram_counts_each_run_in_all_buckets_above_it():
    counted = Tally()
    before, tally.TALLY = tally.TALLY, counted
    try:
        for seconds in (0.5, 0.6, 3.0, 9_000.0):
            tally.stage_ended(Stage.RENDER, "ok", project_id=1, now=NOW, seconds=seconds)
    finally:
        tally.TALLY = before
    facts = Facts(totals=counted.pending()[1].totals)

    by_bound = {
        le: value(facts, "reelqueue_stage_duration_seconds_bucket", stage="render", le=le)
        for le in ("0.5", "1.0", "5.0", "7200.0")
    }
    assert by_bound == {"0.5": 1, "1.0": 2, "5.0": 3, "7200.0": 3}
    assert value(facts, "reelqueue_stage_duration_seconds_bucket", stage="render", le="+Inf") == 4
    assert value(facts, "reelqueue_stage_duration_seconds_count", stage="render") == 4
    assert value(facts, "reelqueue_stage_duration_seconds_sum", stage="render") == 9004.1


def test_workers_are_told_by_queue_and_one_without_any_is_told_as_none(busy):
    assert value(busy, "reelqueue_worker_up", queue="video_generation") == 1
    assert value(busy, "reelqueue_worker_up", queue="maintenance") == 0
    assert value(busy, "reelqueue_worker_cpu_ratio", queue="video_generation") == 1.8
    assert value(busy, "reelqueue_worker_memory_bytes", queue="video_generation", kind="rss") == 200
    assert value(busy, "reelqueue_worker_slots", queue="video_generation", state="free") == 9
    assert value(busy, "reelqueue_queue_depth", queue="video_generation", state="parked") == 2


def test_a_counter_of_another_version_with_other_labels_is_left_out():
    facts = Facts(totals={labelled(FENCED, where="disk"): 5.0, "reelqueue_unheard_of_total": 1.0})

    assert value(facts, FENCED) == 0


def test_a_label_may_hold_whatever_a_provider_is_called():
    odd = 'a"b\\c\nd'
    facts = Facts(totals={labelled(tally.COST, provider=odd): 1.5})

    assert value(facts, tally.COST, provider=odd) == 1.5


def test_the_version_is_told(busy):
    assert value(busy, "reelqueue_build_info", version=__version__) == 1


def asked_for() -> set[str]:
    """What the alerts and the Grafana board ask for, by metric."""
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))
    asked = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    board = json.loads((DEPLOY / "grafana" / "reelqueue.json").read_text(encoding="utf-8"))
    asked += [target["expr"] for panel in board["panels"] for target in panel.get("targets", ())]
    return {name for expr in asked for name in re.findall(r"\breelqueue_\w+", expr)}


def test_the_alerts_and_the_grafana_board_ask_for_what_is_told(busy):
    assert asked_for() <= {name for name, _ in told(busy)}


def test_every_metric_is_on_the_grafana_board_or_alerts(busy):
    families_of = {re.sub(r"_(bucket|count|sum)$", "", name) for name, _ in told(busy)}

    assert families_of <= {re.sub(r"_(bucket|count|sum)$", "", name) for name in asked_for()}


def test_every_metric_is_explained(busy):
    page = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")

    assert {re.sub(r"_(bucket|count|sum)$", "", name) for name, _ in told(busy)} <= set(re.findall(r"reelqueue_\w+", page))


def test_each_alert_says_how_urgent_it_is_and_what_to_do():
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]

    assert {rule["labels"]["severity"] for rule in rules} == {"page", "ticket"}
    assert [rule["alert"] for rule in rules if not {"summary", "action"} <= set(rule["annotations"])] == []


def test_prometheus_asks_the_board_where_it_answers_by_default():
    asks = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"][0]

    assert (asks["metrics_path"], asks["static_configs"]) == ("/metrics", [{"targets": ["127.0.0.1:5555"]}])


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed: the alerts are not tried")
def test_each_alert_is_raised_by_what_it_is_for_and_by_nothing_else():
    tried = subprocess.run(
        ["promtool", "test", "rules", "alerts.test.yml"], cwd=DEPLOY / "prometheus", capture_output=True, text=True, check=False
    )

    assert tried.returncode == 0, tried.stdout + tried.stderr
