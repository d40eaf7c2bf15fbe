"""Every FUNDLINE_* setting: of the processes from their settings classes, of the stack from its own tables."""

import importlib
from dataclasses import dataclass, field, fields
from types import NoneType
from typing import Any, get_args

from annotated_types import Ge, Gt, Le, Lt
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from fundline.manual.markdown import code, page, table
from fundline.platform.settings import ProcessSettings
from fundline.stack.engines.envoy import GatewayLimits
from fundline.stack.engines.envoy_cors import CORS_SETTING
from fundline.stack.fleet import FLEET
from fundline.stack.layout import Ports

STACK_SETTINGS = (
    ("FUNDLINE_HOME", "`./var`", "Folder of the stack: data, logs, keys, run."),
    (
        "FUNDLINE_API_URL",
        "the running stack's gateway",
        "Where `fundline case`, `fundline dead-letter` and the other commands for operators find the operations API.",
    ),
    (
        "FUNDLINE_TOKEN",
        "",
        "Who they speak for; without it a development token of the running stack is made (`--as SUBJECT`).",
    ),
    (
        "FUNDLINE_MIGRATION_DATABASE_URL",
        "the running stack's",
        "What `fundline migrate` and Alembic connect to, as the owner of the schema.",
    ),
    (
        "FUNDLINE_MAVEN_REPOSITORY",
        "Maven Central",
        "Where Kafka's archives are fetched from, for a network with a mirror of its own.",
    ),
)
MAKE_VARIABLES = (
    ("N", "`200`", "`make demo`: how many applications."),
    ("FORMAT", "`text`", "`make demo`: `json` prints exactly one object on standard output."),
    ("CHAOS", "`none`", "`make demo`: `kill` kills a worker, a router and an API instance with -9."),
    ("DEMO_URL", "", "`make demo`: the address of a running stack; a private one without it."),
    ("SUITE", "`all`", "`make bench`: `front`, `router`, `pipeline` or `risk`."),
    ("QUICK", "", "`make bench`: shorter, for trying out."),
    ("ARGS", "", "`make test`, `make chaos`: arguments for pytest."),
    ("YES", "", "`make reset`: wipe without asking."),
    ("UPGRADE", "", "`make lock`: take newer versions."),
    ("PYTHON", "`python3`", "Which Python makes the virtual environment."),
)
_BOUNDS = {Ge: "from {}", Gt: "above {}", Le: "up to {}", Lt: "below {}"}


@dataclass(slots=True)
class Setting:
    name: str
    type: str
    default: str
    meaning: str
    read_by: set[str] = field(default_factory=set)


def settings_page() -> str:
    rows = [
        [code(s.name), s.type, s.default, ", ".join(sorted(s.read_by)), s.meaning] for s in process_settings()
    ]
    stack = [[code(name), default, meaning] for name, default, meaning in (*STACK_SETTINGS, *_gateway())]
    ports = [
        [code(f"FUNDLINE_PORT_{port.name.upper()}"), str(port.default), port.name.replace("_", " ")]
        for port in fields(Ports)
    ]
    return page(
        "Settings",
        "Processes are configured by the environment only. `make up` gives each process what it depends on; see "
        "`src/fundline/stack/fleet.py` and `src/fundline/stack/environment.py`.",
        "## Processes",
        table(["setting", "type", "default", "read by", "meaning"], rows),
        "## Stack on one machine",
        table(["setting", "default", "meaning"], stack),
        "## Ports of the stack",
        "All on 127.0.0.1. A process with several instances counts upwards from its port.",
        table(["setting", "default", "part"], ports),
        "## Variables of make",
        table(
            ["variable", "default", "meaning"], [[code(n), default, m] for n, default, m in MAKE_VARIABLES]
        ),
    )


def process_settings() -> list[Setting]:
    found: dict[tuple[str, str], Setting] = {}
    everybody = {process.name for process in FLEET}
    for process in FLEET:
        for cls in _settings_classes(process.module):
            for name, info in cls.model_fields.items():
                setting = _setting(cls, name, info)
                found.setdefault((setting.name, setting.default), setting).read_by.add(process.name)
    for setting in found.values():
        if setting.read_by == everybody:
            setting.read_by = {"all"}
    return sorted(found.values(), key=lambda setting: (setting.name, setting.default))


def _settings_classes(module: str) -> list[type[ProcessSettings]]:
    """What the process's composition root reads."""
    root = importlib.import_module(f"fundline.{module}")
    return [
        value
        for value in vars(root).values()
        if isinstance(value, type) and issubclass(value, ProcessSettings)
    ]


def _setting(cls: type[ProcessSettings], name: str, info: FieldInfo) -> Setting:
    default = "required" if info.default is PydanticUndefined else _default_text(info.default)
    return Setting(f"FUNDLINE_{name.upper()}", _type_of(info), default, _meaning(cls, name))


def _default_text(default: object) -> str:
    if default is None:
        return "not set"
    text = "" if isinstance(default, SecretStr) else str(default)
    return code(text) if text else "empty"


def _type_of(info: FieldInfo) -> str:
    annotation: Any = info.annotation
    choices = tuple(choice for choice in get_args(annotation) if choice is not NoneType)
    if len(choices) < len(get_args(annotation)):  # optional
        (annotation,), choices = choices, ()
    if choices:
        return "one of " + ", ".join(code(choice) for choice in choices)
    bounds = [
        _BOUNDS[type(bound)].format(f"{getattr(bound, type(bound).__name__.lower()):g}")
        for bound in info.metadata
        if type(bound) in _BOUNDS
    ]
    names = {"str": "text", "SecretStr": "secret", "int": "whole number", "float": "number", "Path": "file"}
    return ", ".join([names.get(annotation.__name__, annotation.__name__), *bounds])


def _meaning(cls: type[ProcessSettings], name: str) -> str:
    """The sentence below the field, in the class that declares it last with one."""
    owners = (owner for owner in cls.__mro__ if issubclass(owner, ProcessSettings))
    declared = (owner.model_fields[name].description for owner in owners if name in owner.model_fields)
    return " ".join(next((meaning for meaning in declared if meaning), "").split())


def _gateway() -> list[tuple[str, str, str]]:
    limits = [
        (f"FUNDLINE_GATEWAY_{limit.name.upper()}", code(limit.default), "Limit of the gateway.")
        for limit in fields(GatewayLimits)
    ]
    origins = "Origins whose pages may call the API from a browser (CORS), with a comma between them."
    return [*limits, (CORS_SETTING, "none", origins)]
