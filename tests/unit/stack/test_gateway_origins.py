import pytest
import yaml

from fundline.platform.command_errors import CommandFailed
from fundline.stack.engines.envoy import Gateway
from fundline.stack.engines.envoy_cors import CORS_SETTING, allowed_origins
from fundline.stack.layout import Ports, StackHome


def policy_of(tmp_path, origins):
    rendered = yaml.safe_load(Gateway(StackHome(tmp_path), Ports(), {}, origins=origins).render())
    listener = rendered["static_resources"]["listeners"][0]
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
    assert next(one["name"] for one in manager["http_filters"]) == "envoy.filters.http.cors"
    return manager["route_config"]["virtual_hosts"][0]["typed_per_filter_config"]


def test_no_page_of_another_origin_may_call_by_default(tmp_path):
    assert allowed_origins({}) == ()
    assert policy_of(tmp_path, allowed_origins({})) == {}


def test_the_origins_of_the_setting_may_and_never_with_credentials(tmp_path):
    origins = allowed_origins({CORS_SETTING: "https://app.example.com, http://localhost:5173"})
    policy = policy_of(tmp_path, origins)["envoy.filters.http.cors"]
    assert [one["exact"] for one in policy["allow_origin_string_match"]] == list(origins)
    assert "allow_credentials" not in policy


@pytest.mark.parametrize(
    "text",
    [
        "*",
        "https://*.example.com",
        "app.example.com",
        "https://app.example.com/",
        "null",
        "https://App.example.com",
    ],
)
def test_what_is_no_origin_is_refused(text):
    with pytest.raises(CommandFailed, match=CORS_SETTING):
        allowed_origins({CORS_SETTING: f"https://app.example.com,{text}"})
