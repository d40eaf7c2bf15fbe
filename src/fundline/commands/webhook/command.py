"""`fundline webhook`: a receiver on this machine, for whoever writes one."""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Annotated

import typer

from fundline.commands.doors import JsonOption, noun
from fundline.commands.operations_client import AsOption, operations_client
from fundline.commands.place import HomeOption
from fundline.commands.webhook.receiver import Receiver
from fundline.platform.command_errors import CommandFailed
from fundline.platform.terminal import say
from fundline.platform.webhook_signature import (
    SecretUnusable,
    check_secret,
)
from fundline.stack.layout import LOOPBACK

app = noun("Webhooks: a receiver on this machine that checks their signatures and shows them.")
_ENDPOINTS = "/v1/webhook-endpoints"


@app.callback()
def webhook() -> None:
    """Webhooks: a receiver on this machine that checks their signatures and shows them."""


@app.command()
def listen(
    home: HomeOption = None,
    subject: AsOption = None,
    secret: Annotated[
        str | None,
        typer.Option(help="Of an endpoint that exists; without it one is made, and deleted at the end."),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 0,
    answer: Annotated[
        int, typer.Option(min=200, max=599, help="The status to answer, such as 503 or 410.")
    ] = 204,
    as_json: JsonOption = False,
) -> None:
    """Take webhooks on this machine, check them and print one line each, until Ctrl-C."""
    if secret is not None:
        _check_secret(secret)
    receiver = Receiver(answer, as_json=as_json)
    try:
        server = ThreadingHTTPServer((LOOPBACK, port), receiver.handler())
    except OSError as error:
        raise CommandFailed(f"Port {port} cannot be listened at: {error.strerror}.") from error
    url = f"http://{LOOPBACK}:{server.server_port}/"
    with server, _registered(home, subject, url) if secret is None else contextlib.nullcontext(secret) as key:
        receiver.secret = key
        say(f"Listening at {url}; Ctrl-C ends it.", err=True)
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()


def _check_secret(secret: str) -> None:
    """Raises CommandFailed: said now, not at the first webhook."""
    try:
        check_secret(secret)
    except SecretUnusable as unusable:
        raise CommandFailed(str(unusable)) from unusable


@contextmanager
def _registered(home: Path | None, subject: str | None, url: str) -> Iterator[str]:
    """An endpoint for as long as the block runs; its secret. Raises CommandFailed."""
    client = operations_client(home, subject, role="applicant")
    made = client.post(_ENDPOINTS, {"url": url, "description": "fundline webhook listen"})
    say(f"Made the endpoint {made['id']} of {made['owner']}.", err=True)
    try:
        yield made["secret"]
    finally:
        client.delete(f"{_ENDPOINTS}/{made['id']}")
        say("Deleted it.", err=True)
