"""`serinus explain` against a cluster with a record and its readings: text, JSON, page, export, and refusals."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

import serinus
from serinus.core.record import Record, encode, with_past
from serinus.core.state import Finished
from serinus.judge.kept import Kept
from serinus.judge.readings import Reading
from serinus.kube.client import Client
from serinus.kube.recordings import KubeRecordings
from serinus.kube.resources import CONFIGMAPS
from serinus.kube.store import SERVICE_LABEL, store_name
from tests.core.samples import plan_of
from tests.kube.embedded import ADMIN, deployment, embedded, furnish
from tests.report.rollouts import BAD
from tests.report.subjects import subject_from

SECONDS_MAX = 60
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(serinus.__file__).parents[1])}


@dataclass
class Cluster:
    """A cluster with one finished rollout of Service checkout."""

    client: Client
    kubeconfig: Path
    home: Path
    kept: Kept

    async def serinus(self, *arguments: str) -> tuple[int, bytes, str]:
        """Exit code, standard output, standard error."""
        whole = ("-m", "serinus", *arguments, "--kubeconfig", str(self.kubeconfig), "-n", "shop")
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            sys.executable, *whole, stdout=pipe, stderr=pipe, cwd=self.home, env=ENVIRONMENT
        )
        try:
            out, err = await asyncio.wait_for(process.communicate(), SECONDS_MAX)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return process.returncode or 0, out, err.decode()


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    subject = subject_from(BAD)
    kept = subject.kept
    assert kept is not None
    assert subject.ended is not None
    assert subject.outcome is not None
    assert subject.reason is not None
    end = Finished(subject.ended, subject.outcome, subject.reason, subject.evidence, 25.0)
    record = with_past(Record(plan_of(), end, subject.started), end)
    async with contextlib.AsyncExitStack() as stack:
        client, url = await stack.enter_async_context(embedded())
        await furnish(client, deployment())
        raw = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": store_name("checkout"), "namespace": "shop", "labels": {SERVICE_LABEL: "checkout"}},
            "data": {"state": encode(record)},
        }
        await client.create(CONFIGMAPS, raw, "shop")
        await KubeRecordings(client, "shop", "checkout").save(kept)
        kubeconfig = tmp_path / "config"
        kubeconfig.write_text(
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "test",
                    "clusters": [{"name": "test", "cluster": {"server": url}}],
                    "users": [{"name": "test", "user": {"token": ADMIN}}],
                    "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
                }
            )
        )
        yield Cluster(client, kubeconfig, tmp_path, kept)


async def test_the_text_has_the_sentence_and_the_tables(cluster: Cluster) -> None:
    code, out, err = await cluster.serinus("explain", "checkout")
    assert (code, err) == (0, "")
    text = out.decode()
    assert "v1 -> v2: rolled back" in text
    assert "METRICS_WORSE" in text
    assert "What would have changed the verdict:" in text
    assert "serinus judge replay readings.jsonl" in text


async def test_the_page_and_the_readings_are_written_and_replay_repeats_the_verdict(cluster: Cluster) -> None:
    code, _, err = await cluster.serinus("explain", "checkout", "--html", "page.html", "--readings", "readings.jsonl")
    assert (code, err) == (0, "")
    assert (cluster.home / "page.html").read_text().startswith("<!DOCTYPE html>")
    lines = (cluster.home / "readings.jsonl").read_bytes().splitlines()
    assert len(lines) == len(cluster.kept.recording.readings)
    assert {msgspec.json.decode(line, type=Reading).run for line in lines} == {cluster.kept.rollout}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "serinus", "judge", "replay", str(cluster.home / "readings.jsonl"),
        stdout=asyncio.subprocess.PIPE, env=ENVIRONMENT,
    )  # fmt: skip
    out, _ = await asyncio.wait_for(process.communicate(), SECONDS_MAX)
    assert msgspec.json.decode(out)["verdict"] == "fail"


async def test_json_is_one_object(cluster: Cluster) -> None:
    code, out, _ = await cluster.serinus("explain", "checkout", "--rollout", cluster.kept.rollout, "-o", "json")
    assert code == 0
    assert json.loads(out)["outcome"] == "rolled back"


async def test_readings_to_standard_output_are_all_that_stands_there(cluster: Cluster) -> None:
    code, out, _ = await cluster.serinus("explain", "checkout", "--readings", "-")
    assert code == 0
    assert [json.loads(line)["t"] for line in out.splitlines()] == [r.t for r in cluster.kept.recording.readings]


async def test_a_rollout_that_is_not_known_is_refused_with_those_that_are(cluster: Cluster) -> None:
    code, _, err = await cluster.serinus("explain", "checkout", "--rollout", "nobody")
    assert code == 2
    assert cluster.kept.rollout in err


async def test_a_file_that_cannot_be_written_is_told_in_words(cluster: Cluster) -> None:
    code, _, err = await cluster.serinus("explain", "checkout", "--html", "nowhere/page.html")
    assert code == 2
    assert "cannot write nowhere/page.html" in err


async def test_without_readings_the_rest_is_explained_and_an_export_is_refused(cluster: Cluster) -> None:
    await cluster.client.delete(CONFIGMAPS, "serinus-checkout.readings", "shop")
    code, out, _ = await cluster.serinus("explain", "checkout")
    assert code == 0
    assert "rolled back" in out.decode()
    code, _, err = await cluster.serinus("explain", "checkout", "--readings", "readings.jsonl")
    assert code == 2
    assert "no readings are kept" in err
