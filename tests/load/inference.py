"""The model service over HTTP: what one process can take, and its latency at a constant rate."""

import json

from fundline.risk.features import FEATURES, features_of_application
from load.connection import http_request
from load.figures import Figure, median_latency_ms, spread
from load.generator import Plan, generate
from load.machine import CoresUsed
from load.scoring import SCORECARD, TREES, applicants
from load.site import Site

OK = 200
CLIENTS, RATE = 16, 100.0
BATCH = 100
_MODEL = "probability-of-default"


def inference_figures(site: Site, *, quick: bool) -> dict[str, Figure]:
    """Needs a stack with the model service."""
    seconds, rounds = (2.0, 1) if quick else (4.0, 3)
    return {
        f"model_service_{version}": _version(site, version, seconds, rounds) for version in (SCORECARD, TREES)
    }


def _version(site: Site, version: str, seconds: float, rounds: int) -> Figure:
    peer = site.direct("model-service")
    single, batched = _requests(version, 1), _requests(version, BATCH)
    most, many, paced, cores = [], [], [], {}
    for _ in range(rounds):
        watch = CoresUsed(site.pids("model-service-1"))
        most.append(generate(Plan(peer, single, CLIENTS, seconds, OK, warm_up_s=0.5)))
        cores = watch.read() | {"generator": most[-1]["cpu_cores"]}
        many.append(generate(Plan(peer, batched, 2, seconds, OK)))
        paced.append(generate(Plan(peer, single, CLIENTS, seconds, OK, rate=RATE)))
    return {
        "figure": spread([one["per_second"] for one in most]),
        "unit": f"scores/s, one a request, {CLIENTS} connections, one process",
        "batched": spread([one["per_second"] * BATCH for one in many]),
        "batched_unit": f"scores/s, {BATCH} a request",
        "ms": median_latency_ms([one["latency_ms"] for one in paced]),
        "rate_per_s": RATE,
        "cores_used": cores,
        "failed": sum(sum(one["failed"].values()) for one in (*most, *many, *paced)),
    }


def _requests(version: str, batch: int) -> list[str]:
    """The demo's applicants, `batch` in a request."""
    rows = [features_of_application(facts) for facts in applicants()]
    path = f"/v2/models/{_MODEL}/versions/{version}/infer"
    made = []
    for start in range(0, len(rows) - batch + 1, batch):
        inputs = [
            {
                "name": feature.name,
                "datatype": "BYTES" if feature.kind == "category" else "FP64",
                "shape": [batch],
                "data": [row[feature.name] for row in rows[start : start + batch]],
            }
            for feature in FEATURES
        ]
        body = json.dumps({"inputs": inputs}).encode()
        request = http_request("POST", path, [("content-type", "application/json")], body)
        made.append(request.decode("latin-1"))
    return made
