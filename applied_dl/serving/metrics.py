"""What a server counts, in the format of Prometheus; several processes of one port are added up.

`PROMETHEUS_MULTIPROC_DIR` names the folder in which the processes keep their counts. `process.py` sets it before this module is imported.
"""

from __future__ import annotations

import os

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess

SHARED = "PROMETHEUS_MULTIPROC_DIR"
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

registry = CollectorRegistry()
requests = Counter("applied_dl_requests", "Inference requests by model and HTTP status", ["model", "status"], registry=registry)
rows = Counter("applied_dl_rows", "Rows that were answered", ["model"], registry=registry)
seconds = Histogram(
    "applied_dl_request_seconds", "Seconds from the whole request to its answer", ["model"], buckets=BUCKETS, registry=registry
)
waiting = Gauge("applied_dl_requests_in_progress", "Requests that wait or run", registry=registry, multiprocess_mode="livesum")
reloads = Counter("applied_dl_reloads", "Bundles that replaced an earlier one while the server ran", ["model"], registry=registry)


def page() -> tuple[bytes, bytes]:
    """The content type, and the metrics of all processes of this server."""
    shown = registry
    if SHARED in os.environ:
        shown = CollectorRegistry()
        multiprocess.MultiProcessCollector(shown)  # type: ignore[no-untyped-call]
    return CONTENT_TYPE_LATEST.encode(), generate_latest(shown)
