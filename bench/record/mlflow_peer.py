"""Logs the metrics of journals to MLflow with a SQLite backend, reads them back, and prints both times as JSON.

    python mlflow_peer.py FOLDER_OF_JOURNALS

Logging takes the client's fastest way, `log_batch` with as many metrics at once as it accepts; reading takes
`get_metric_history` of each metric of each run. Reading the journals, importing mlflow, making its database and its runs
are not timed.
"""

import json
import os
import platform
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

import mlflow
import sqlalchemy
from mlflow.entities import Metric
from mlflow.tracking import MlflowClient

AT_ONCE = 1000


def metrics_of(journal):
    lines = map(json.loads, journal.read_text().splitlines())
    return [Metric(line["name"], line["value"], line["at"], line["step"]) for line in lines if line["event"] == "metric"]


def main():
    told = [metrics for journal in sorted(Path(sys.argv[1]).glob("*.jsonl")) if (metrics := metrics_of(journal))]
    with tempfile.TemporaryDirectory() as folder:
        client = MlflowClient(tracking_uri=f"sqlite:///{folder}/mlflow.db")
        experiment = client.create_experiment("record", artifact_location=f"{folder}/artifacts")
        runs = [client.create_run(experiment).info.run_id for _ in told]

        began = time.perf_counter()
        for run, metrics in zip(runs, told):
            for start in range(0, len(metrics), AT_ONCE):
                client.log_batch(run, metrics=metrics[start : start + AT_ONCE], synchronous=True)
        log = time.perf_counter() - began

        names = [sorted({metric.key for metric in metrics}) for metrics in told]
        began = time.perf_counter()
        rows = sum(len(client.get_metric_history(run, name)) for run, own in zip(runs, names) for name in own)
        read = time.perf_counter() - began

    versions = (
        f"mlflow {mlflow.__version__}, SQLAlchemy {sqlalchemy.__version__}, "
        f"SQLite {sqlite3.sqlite_version}, Python {platform.python_version()}"
    )
    print(json.dumps({"versions": versions, "log": log, "read": read, "rows": rows}))


if __name__ == "__main__":
    main()
