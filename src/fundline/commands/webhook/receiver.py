"""The receiver of `fundline webhook listen`."""

import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any

from fundline.commands.webhook.view import line_of
from fundline.platform.clock import utc_now
from fundline.platform.terminal import say
from fundline.platform.webhook_signature import SecretUnusable, SignatureRefused, check_signature

_LARGEST_BODY_BYTES = 1_000_000


@dataclass
class Receiver:
    """`status` is what it answers to a good webhook; a bad one gets 401."""

    status: int
    as_json: bool
    secret: str = ""

    def handler(self) -> type[BaseHTTPRequestHandler]:
        receiver, printing = self, threading.Lock()

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = self.headers.get("content-length", "")
                if not length.isdecimal() or int(length) > _LARGEST_BODY_BYTES:
                    self.send_error(413)
                    return
                headers = {name.lower(): value for name, value in self.headers.items()}
                told = receiver.judge(headers, self.rfile.read(int(length)))
                with printing:
                    say(json.dumps(told) if receiver.as_json else line_of(told))
                self.send_response(receiver.status if told["isGenuine"] else 401)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Our own line says it all."""

        return Door

    def judge(self, headers: dict[str, str], body: bytes) -> dict[str, Any]:
        """What came, and whether it is genuine; `trouble` says why not."""
        try:
            check_signature([self.secret], headers, body, now=utc_now())
            content = json.loads(body)
        except (SignatureRefused, SecretUnusable, ValueError) as refused:
            return {"isGenuine": False, "id": headers.get("webhook-id"), "trouble": str(refused)}
        return {"isGenuine": True, "id": headers["webhook-id"], "content": content}
