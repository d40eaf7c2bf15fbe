"""What each process is told about the others, as FUNDLINE_* settings: what it depends on, and no more."""

import sys
from collections.abc import Mapping, Sequence

from fundline.stack.engines.preflight import plain_environment
from fundline.stack.flags_file import flags_file
from fundline.stack.fleet import (
    ACCOUNT_KEY,
    AUDIT_ANCHORS,
    BANK_EVENTS,
    BANK_KEY,
    BANK_LEDGER,
    FLAGS,
    KAFKA,
    MAIL_SERVER,
    POSTGRES,
    TOKENS,
    VALKEY,
    WEBHOOK_KEY,
    WORKER,
    Process,
)
from fundline.stack.keys import TOKEN_AUDIENCE, TOKEN_ISSUER, StackKeys
from fundline.stack.layout import LOOPBACK, Ports, StackHome
from fundline.stack.process_spec import ProcessSpec

Settings = dict[str, str]


def file_settings(home: StackHome) -> dict[str, Settings]:
    """By what a process `reads`: where the file is."""
    keys = StackKeys(home)
    return {
        TOKENS: {
            "FUNDLINE_JWKS_FILE": str(keys.jwks),
            "FUNDLINE_TOKEN_ISSUER": TOKEN_ISSUER,
            "FUNDLINE_TOKEN_AUDIENCE": TOKEN_AUDIENCE,
            "FUNDLINE_SUBMISSIONS_PER_APPLICANT": "1000000",  # load and chaos submit as few people
        },
        ACCOUNT_KEY: {"FUNDLINE_ACCOUNT_KEY_FILE": str(keys.account_key)},
        AUDIT_ANCHORS: {
            "FUNDLINE_AUDIT_KEY_FILE": str(keys.audit_key),
            "FUNDLINE_AUDIT_ANCHOR_FILE": str(home.audit_anchors),
        },
        BANK_LEDGER: {"FUNDLINE_BANK_DATABASE": str(home.data / "bank-sandbox.sqlite")},
        BANK_KEY: {"FUNDLINE_BANK_WEBHOOK_SECRET_FILE": str(keys.bank_webhook_secret)},
        WEBHOOK_KEY: {
            "FUNDLINE_WEBHOOK_KEY_FILE": str(keys.webhook_key),
            "FUNDLINE_WEBHOOK_TARGETS": "development",  # so that a receiver on this machine can be tried
        },
        FLAGS: {"FUNDLINE_FLAGS_FILE": str(flags_file(home))},
    }


def dependency_settings(
    fleet: Sequence[Process], ports: Ports, *, database_url: str, cache_url: str, bootstrap: str, dialect: str
) -> dict[str, Settings]:
    """By what a process `depends_on`: how to reach it; a process of the fleet at its first instance."""
    settings: dict[str, Settings] = {
        POSTGRES: {"FUNDLINE_DATABASE_URL": database_url},
        VALKEY: {"FUNDLINE_CACHE_URL": cache_url},
        KAFKA: {"FUNDLINE_KAFKA_BOOTSTRAP": bootstrap, "FUNDLINE_KAFKA_DIALECT": dialect},
        BANK_EVENTS: {},
        MAIL_SERVER: {
            "FUNDLINE_SMTP_HOST": LOOPBACK,
            "FUNDLINE_SMTP_PORT": str(ports.mail_sink_smtp),
            "FUNDLINE_SMTP_SECURITY": "none",
        },
    }
    for process in fleet:
        noun = process.name.partition("-")[0].upper()
        settings[process.name] = {f"FUNDLINE_{noun}_URL": http_address(ports, process, 1)}
        if process.name == WORKER:
            doors = [
                f"{http_address(ports, process, number)}/bank/events"
                for number in range(1, process.instances + 1)
            ]
            settings[BANK_EVENTS] = {"FUNDLINE_BANK_WEBHOOK_URL": ",".join(doors)}
    return settings


def settings_of(process: Process, number: int, ports: Ports, known: Mapping[str, Settings]) -> Settings:
    """Every FUNDLINE_* setting of one instance, counted from 1; `known` is by dependency and by file."""
    settings = {
        "FUNDLINE_PROCESS": process.name,
        "FUNDLINE_INSTANCE": process.instance_names()[number - 1],
        "FUNDLINE_HTTP_HOST": LOOPBACK,
        "FUNDLINE_HTTP_PORT": str(ports.of_process(process.name, number)),
    }
    for need in (*process.depends_on, *process.reads):
        settings |= known[need]
    return settings


def service_spec(process: Process, number: int, home: StackHome, settings: Settings) -> ProcessSpec:
    instance = process.instance_names()[number - 1]
    return ProcessSpec(
        name=instance,
        argv=(sys.executable, "-m", f"fundline.{process.module}"),
        log_file=home.log_file(instance),
        cwd=home.run,
        env={**plain_environment(), "PYTHONUNBUFFERED": "1", **settings},
    )


def http_address(ports: Ports, process: Process, number: int) -> str:
    return f"http://{LOOPBACK}:{ports.of_process(process.name, number)}"
