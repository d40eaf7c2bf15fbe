"""The sink's pages: a list, one mail as text and as HTML, and the same as JSON."""

from typing import Any

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fundline.contracts.payloads import iso_utc
from fundline.outside.mail_sink.mailbox import KeptMail, Mailbox
from fundline.platform.refusals import Kind, Refusal

_PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_MAIL_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
"""What a mail says is a stranger's text: no script, no form, no call to anywhere."""
_NO_SNIFFING = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


_DIGITS = 9
"""No mail has a longer number."""


class NoSuchMail(Refusal):
    kind = Kind.NOT_FOUND
    code = "mail-not-found"
    title = "There is no such mail"

    def __init__(self) -> None:
        super().__init__("No mail with this number is kept.")


class Pages:
    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._templates = Environment(
            loader=PackageLoader("fundline.outside.mail_sink"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def all(self) -> list[Route]:
        return [
            Route("/", self.index, methods=["GET"]),
            Route("/mails", self.as_json, methods=["GET"]),
            Route("/mails/{number}", self.one, methods=["GET"]),
            Route("/mails/{number}/json", self.one_as_json, methods=["GET"]),
            Route("/mails/{number}/html", self.html, methods=["GET"]),
        ]

    async def index(self, _: Request) -> Response:
        mails = [_summary(mail) for mail in self._mailbox.newest_first()]
        return self._page("list.html", mails=mails)

    async def one(self, request: Request) -> Response:
        mail = self._found(request)
        return self._page("mail.html", mail=_whole(mail))

    async def html(self, request: Request) -> Response:
        """The HTML part by itself, for the frame of the page."""
        headers = {"content-security-policy": _MAIL_POLICY, **_NO_SNIFFING}
        return Response(self._found(request).part("html"), media_type="text/html", headers=headers)

    async def as_json(self, _: Request) -> Response:
        return _json({"items": [_summary(mail) for mail in self._mailbox.newest_first()]})

    async def one_as_json(self, request: Request) -> Response:
        return _json(_whole(self._found(request)))

    def _found(self, request: Request) -> KeptMail:
        text: str = request.path_params["number"]
        is_number = text.isascii() and text.isdecimal() and len(text) <= _DIGITS
        mail = self._mailbox.find(int(text)) if is_number else None
        if mail is None:
            raise NoSuchMail
        return mail

    def _page(self, name: str, **filled: Any) -> Response:
        text = self._templates.get_template(name).render(**filled)
        headers = {"content-security-policy": _PAGE_POLICY, **_NO_SNIFFING}
        return Response(text, media_type="text/html", headers=headers)


def _summary(mail: KeptMail) -> dict[str, Any]:
    return {
        "number": mail.number,
        "receivedAt": iso_utc(mail.received_at),
        "to": list(mail.recipients),
        "from": mail.header("from"),
        "subject": mail.header("subject"),
        "messageId": mail.header("message-id"),
    }


def _whole(mail: KeptMail) -> dict[str, Any]:
    headers = [[name, str(value)] for name, value in mail.message.items()]
    return {**_summary(mail), "headers": headers, "text": mail.part("plain"), "html": mail.part("html")}


def _json(body: object) -> Response:
    return Response(orjson.dumps(body), media_type="application/json", headers=_NO_SNIFFING)
