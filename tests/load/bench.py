"""`make bench`: prints one JSON object on standard output; progress goes to standard error."""

import argparse
import json
import os
import sys
import time
from typing import Any

from fundline.platform.command_errors import CommandFailed
from fundline.platform.telemetry.logs import configure_logs
from fundline.stack.layout import Ports, StackHome
from fundline.stack.private import private_home
from load import front
from load.drain import drain_figures
from load.figures import Figure
from load.inference import inference_figures
from load.machine import machine_facts
from load.pipeline import pipeline_figures
from load.router import router_figures
from load.scoring import scoring_figures
from load.site import FRONT, SCORING, running_site
from load.slow_model import slow_model_figure

SUITES = ("front", "router", "pipeline", "risk")


def main() -> None:
    asked = _arguments()
    suites = SUITES if asked.suite == "all" else (asked.suite,)
    configure_logs(process="bench", instance="bench-1", level="ERROR", stream=sys.stderr.buffer)
    started = time.monotonic()
    report: dict[str, Any] = {"machine": machine_facts(), "quick": asked.quick, "suites": suites}
    try:
        with private_home() as home:
            report["figures"] = _figures(home, suites, quick=asked.quick)
    except CommandFailed as error:
        sys.exit(f"{error}")
    report["machine"]["load_average_after"] = round(os.getloadavg()[0], 2)
    for figure in report["figures"].values():
        if figure.get("failed") and "meets_aim" in figure:
            figure["meets_aim"] = False
    report["aims_missed"] = [n for n, f in report["figures"].items() if f.get("meets_aim") is False]
    report["took_s"] = round(time.monotonic() - started)
    print(json.dumps(report, indent=2))


def _figures(home: StackHome, suites: tuple[str, ...], *, quick: bool) -> dict[str, Figure]:
    """Stacks in turn over the same engines' data: model service and API, the front alone, then the whole fleet."""
    figures: dict[str, Figure] = {}
    ports = Ports.free()
    if "risk" in suites:
        for name, figure in scoring_figures(quick=quick).items():  # before anything else runs
            figures[name] = _printed(name, figure)
        with running_site(home, ports, SCORING) as site:
            for name, figure in inference_figures(site, quick=quick).items():
                figures[name] = _printed(name, figure)
            figures["queue_drain"] = _printed("queue drain", drain_figures(site, quick=quick))
            figures["post_beside_a_hanging_model"] = _printed(
                "slow model", slow_model_figure(site, quick=quick)
            )
            site.sql("truncate outbox;")
    if {"front", "router"} & set(suites):
        with running_site(home, ports, FRONT) as site:
            effort = front.Effort.chosen(quick=quick)
            if "front" in suites:
                figures["post_saturation"] = _printed("POST saturation", front.post_saturation(site, effort))
                figures["get_saturation"] = _printed(
                    "cached GET saturation", front.get_saturation(site, effort)
                )
                figures["post_at_200_per_s"] = _printed("POST at 200/s", front.post_at_rate(site, effort))
                figures["get_at_1000_per_s"] = _printed("GET at 1000/s", front.get_at_rate(site, effort))
            else:
                front.submit_some(site)
            if "router" in suites:
                figures["router"] = _printed("event router", router_figures(site, quick=quick))
            site.sql("truncate outbox;")
    if "pipeline" in suites:
        with running_site(home, ports) as site:
            figures |= pipeline_figures(site, quick=quick)
    return figures


def _printed(what: str, figure: Figure) -> Figure:
    value = figure.get("figure") or figure.get("ms") or figure.get("speed_up")
    print(f"{what}: {json.dumps(value)}", file=sys.stderr, flush=True)
    return figure


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--suite", choices=("all", *SUITES), default=os.environ.get("SUITE") or "all")
    parser.add_argument("--quick", action="store_true", default=bool(os.environ.get("QUICK")))
    return parser.parse_args()


if __name__ == "__main__":
    main()
