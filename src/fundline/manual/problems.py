"""Every refusal as a problem type: from the classes, and from the gateway's table."""

import importlib
import pkgutil
from dataclasses import dataclass

import fundline.outside
import fundline.services
from fundline.manual.markdown import code, page, table
from fundline.platform.http import requests, tokens
from fundline.platform.http.problems import STATUS_OF, internal_error_response
from fundline.platform.refusals import Refusal
from fundline.stack.engines.envoy_parts import REFUSALS
from fundline.stack.fleet import FLEET

_FROM_STARLETTE = (
    ("not-found", 404, "There is nothing here"),
    ("method-not-allowed", 405, "The method is not offered here"),
)
_PROCESS_OF = {process.module.split(".")[1]: process.name for process in FLEET}
_PLATFORM = (requests, tokens)
"""Imported for their refusals, as the services are."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    code: str
    status: int
    title: str
    told_by: tuple[str, ...]


def problems() -> list[Problem]:
    """In order of code; one line per code and status, with everybody who may answer it."""
    _import_services()
    told: dict[tuple[str, int], tuple[str, set[str]]] = {}
    for refusal in sorted(_concrete(Refusal), key=_platform_first):
        status = STATUS_OF[refusal.kind]
        told.setdefault((refusal.code, status), (refusal.title, set()))[1].add(_place(refusal))
    for slug, status, title in _FROM_STARLETTE:
        told.setdefault((slug, status), (title, set()))[1].add("every service")
    told["internal", internal_error_response().status_code] = (
        "Something went wrong on our side",
        {"every service"},
    )
    for status, slug, title, _, _ in REFUSALS:
        told.setdefault((slug, status), (title, set()))[1].add("gateway")
    return sorted(
        Problem(slug, status, title, tuple(sorted(who))) for (slug, status), (title, who) in told.items()
    )


def problems_page() -> str:
    rows = [
        [code(f"urn:fundline:problem:{p.code}"), str(p.status), p.title, ", ".join(p.told_by)]
        for p in problems()
    ]
    return page(
        "Problem types",
        "Every error is a problem document (RFC 9457, `application/problem+json`). `type` is stable: clients branch on "
        "it, never on `title` or `detail`. `errors` lists the values that were refused, each with its `path` and a "
        "`message`.",
        table(["type", "status", "title", "told by"], rows),
        "The sandbox bank answers a declined payment with status 422, type `urn:fundline:problem:payment-declined` and "
        "the bank's `code`: a result, not a refusal.",
    )


def _import_services() -> None:
    for folder in (fundline.services, fundline.outside):
        for module in pkgutil.walk_packages(folder.__path__, f"{folder.__name__}."):
            importlib.import_module(module.name)


def _platform_first(refusal: type[Refusal]) -> tuple[bool, str]:
    """Its title counts where somebody else uses the same code."""
    module = refusal.__module__
    return not module.startswith("fundline.platform."), module


def _concrete(kind: type[Refusal]) -> list[type[Refusal]]:
    """Ours; a test may have refusals of its own."""
    found = []
    for refusal in kind.__subclasses__():
        if "code" in vars(refusal) and refusal.__module__.startswith("fundline."):
            found.append(refusal)
        found += _concrete(refusal)
    return found


def _place(refusal: type[Refusal]) -> str:
    parts = refusal.__module__.split(".")
    return _PROCESS_OF.get(parts[2], parts[2]) if parts[1] in {"services", "outside"} else "every service"
