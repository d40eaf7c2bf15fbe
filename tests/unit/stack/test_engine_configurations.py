import json

import pytest
import yaml

from fundline.demo.client import HEARTBEAT_S, STREAM_TIMEOUT
from fundline.platform.command_errors import CommandFailed
from fundline.platform.process import WEBSOCKET_PING_S
from fundline.platform.settings import ProcessSettings, TokenSettings
from fundline.services.status_api.settings import Settings as StatusSettings
from fundline.stack.engines.envoy import Gateway, GatewayLimits
from fundline.stack.engines.envoy_parts import HEALTH_EVERY_S, local_replies
from fundline.stack.engines.kafka import KafkaBroker
from fundline.stack.engines.kafka_jars import COORDINATES, KafkaUnavailable, find_jars
from fundline.stack.engines.postgres import PostgresNode
from fundline.stack.engines.postgres_files import SETTINGS
from fundline.stack.engines.postgres_roles import roles_sql
from fundline.stack.engines.valkey import ValkeyServer
from fundline.stack.fleet import BEHIND_THE_GATEWAY, FLEET
from fundline.stack.keys import DatabasePasswords
from fundline.stack.layout import Ports, StackHome
from fundline.stack.process_spec import Engine


@pytest.fixture
def gateway(tmp_path):
    return Gateway(
        StackHome(tmp_path),
        Ports(),
        {"application-api": [17120, 17121], "status-service": [17160, 17161, 17162]},
        GatewayLimits(),
    )


def manager(configuration):
    listener = configuration["static_resources"]["listeners"][0]
    return listener["filter_chains"][0]["filters"][0]["typed_config"]


def test_an_answered_commit_is_on_the_disk():
    lines = SETTINGS.splitlines()
    assert {"fsync = on", "synchronous_commit = on", "full_page_writes = on"} <= set(lines)


def test_the_application_role_gets_no_table_right_from_the_engine():
    script = roles_sql(DatabasePasswords("a1", "b2", "c3", "d4"))
    granted = [line for line in script.splitlines() if line.startswith("GRANT")]
    assert granted == [
        "GRANT CONNECT ON DATABASE fundline TO fundline_app;",
        "GRANT USAGE ON SCHEMA public TO fundline_app;",
    ]


def test_the_gateway_balances_over_every_instance(gateway):
    clusters = yaml.safe_load(gateway.render())["static_resources"]["clusters"]
    ports = {
        cluster["name"]: [
            endpoint["endpoint"]["address"]["socket_address"]["port_value"]
            for endpoint in cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
        ]
        for cluster in clusters
    }
    assert ports == {
        "application_api": [17120, 17121],
        "status_service": [17160, 17161, 17162],
        "operations_api": [],
        "notification_service": [],
        "status_streams": [17160, 17161, 17162],
    }


def test_a_token_in_the_address_is_taken_on_exactly_the_stream_routes(gateway):
    settings = manager(yaml.safe_load(gateway.render()))
    jwt = next(f for f in settings["http_filters"] if f["name"].endswith("jwt_authn"))["typed_config"]
    by_query = [r["match"] for r in jwt["rules"] if r["requires"]["provider_name"] == "header_or_query"]
    routes = settings["route_config"]["virtual_hosts"][0]["routes"]
    streams = [r["match"] for r in routes if r["route"]["cluster"] == "status_streams"]
    assert by_query == streams


def test_every_path_needs_a_token(gateway):
    settings = manager(yaml.safe_load(gateway.render()))
    jwt = next(f for f in settings["http_filters"] if f["name"].endswith("jwt_authn"))["typed_config"]
    assert all("requires" in rule for rule in jwt["rules"])
    assert jwt["rules"][-1]["match"] == {"prefix": "/"}


def test_nothing_that_may_change_something_is_repeated_once_it_has_reached_a_service(gateway):
    host = manager(yaml.safe_load(gateway.render()))["route_config"]["virtual_hosts"][0]
    assert host["retry_policy"]["retry_on"] == "connect-failure,refused-stream,reset-before-request"
    repeating = [route for route in host["routes"] if "retry_policy" in route["route"]]
    for route in repeating:
        methods = [h["string_match"]["safe_regex"]["regex"] for h in route["match"].get("headers", ())]
        offers_reads_only = route["route"]["cluster"] in {"status_streams", "status_service"}
        is_reference_data = route["match"].get("path_separated_prefix") == "/v1/reference-data"
        assert methods == ["GET|HEAD"] or offers_reads_only or is_reference_data


def test_what_only_reads_is_repeated_on_every_route(gateway):
    host = manager(yaml.safe_load(gateway.render()))["route_config"]["virtual_hosts"][0]
    clusters = {route["route"]["cluster"] for route in host["routes"]}
    repeating = [route["route"] for route in host["routes"] if "retry_policy" in route["route"]]
    assert {route["cluster"] for route in repeating} == clusters
    assert {route["retry_policy"]["retry_on"] for route in repeating} == {
        "connect-failure,refused-stream,reset"
    }


def test_an_instance_answers_on_until_the_gateway_has_looked_several_times():
    """The notice was 0 and the gateway looked once a second: what came in between met a closed port."""
    notice_s = TokenSettings.model_fields["drain_notice_s"].default
    assert notice_s >= 4 * HEALTH_EVERY_S
    assert ProcessSettings.model_fields["drain_notice_s"].default == 0, "nobody looks at the others"


def test_two_missed_heartbeats_mean_the_same_to_service_gateway_and_client(gateway):
    heartbeat_s = StatusSettings.model_fields["stream_heartbeat_s"].default
    host = manager(yaml.safe_load(gateway.render()))["route_config"]["virtual_hosts"][0]
    stream = next(r["route"] for r in host["routes"] if r["route"]["cluster"] == "status_streams")
    assert stream["idle_timeout"] == f"{2.5 * heartbeat_s}s"
    assert (heartbeat_s, heartbeat_s) == (HEARTBEAT_S, WEBSOCKET_PING_S)
    assert STREAM_TIMEOUT.read == 2.5 * heartbeat_s


def test_everything_that_people_reach_runs_twice():
    instances = {process.name: process.instances for process in FLEET}
    assert all(instances[name] >= 2 for name in BEHIND_THE_GATEWAY)


def test_the_access_log_never_holds_the_query(gateway):
    log = manager(yaml.safe_load(gateway.render()))["access_log"][0]["typed_config"]["log_format"][
        "json_format"
    ]
    assert log["url.path"] == "%PATH(NQ)%"
    assert not any("REQ(:PATH)" in value or "AUTHORIZATION" in value for value in log.values())


def test_each_refusal_of_the_gateway_has_a_stable_type():
    types = {
        reply["filter"]["status_code_filter"]["comparison"]["value"]["default_value"]: reply[
            "body_format_override"
        ]["json_format"]["type"]
        for reply in local_replies()
        if "status_code_filter" in reply["filter"]
    }
    assert types[401] == "urn:fundline:problem:unauthenticated"
    assert types[429] == "urn:fundline:problem:rate-limited"
    assert types[503] == "urn:fundline:problem:unavailable"


def test_the_rate_limits_are_settings(tmp_path):
    limits = GatewayLimits.from_environment({"FUNDLINE_GATEWAY_CLIENT_PER_SECOND": "7"})
    text = Gateway(
        StackHome(tmp_path), Ports(), {"application-api": [1], "status-service": [2]}, limits
    ).render()
    assert "tokens_per_fill: 7," in text


def test_a_rate_limit_that_is_no_number_is_refused():
    with pytest.raises(CommandFailed, match="FUNDLINE_GATEWAY_CLIENT_BURST is “many”"):
        GatewayLimits.from_environment({"FUNDLINE_GATEWAY_CLIENT_BURST": "many"})


def test_recorded_archives_are_used_without_asking_anybody(tmp_path):
    jar = tmp_path / "kafka.jar"
    jar.write_text("")
    record = tmp_path / "jars.json"
    record.write_text(json.dumps({"coordinates": COORDINATES, "jars": [str(jar)]}))
    assert find_jars(record, {}, pytest.fail) == [jar]


def test_archives_that_cannot_be_had_are_a_stack_error():
    assert issubclass(KafkaUnavailable, CommandFailed)


def test_every_engine_keeps_the_supervisors_contract(tmp_path, gateway):
    home, ports = StackHome(tmp_path), Ports()
    engines: list[Engine] = [
        PostgresNode(home, ports.postgres),
        ValkeyServer(home, ports),
        KafkaBroker(home, ports),
        gateway,
    ]
    assert [engine.name for engine in engines] == ["postgres", "valkey", "kafka", "gateway"]
