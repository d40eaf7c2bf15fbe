"""The sink's SMTP door. The one home of aiosmtpd."""

import asyncio

from aiosmtpd.smtp import SMTP, Envelope, Session

from fundline.outside.mail_sink.mailbox import Mailbox
from fundline.outside.mail_sink.settings import Settings
from fundline.platform.liveness import Heartbeat
from fundline.platform.telemetry.logs import get_log


class Taker:
    """Takes every mail; the methods are named by aiosmtpd."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._log = get_log()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        content = envelope.original_content or b""
        mail = self._mailbox.put(content, tuple(envelope.rcpt_tos))
        self._log.info("mail.taken", number=mail.number, message_id=mail.header("message-id"))
        return f"250 Kept as {mail.number}"


class SmtpDoor:
    def __init__(self, settings: Settings, mailbox: Mailbox) -> None:
        self._settings, self._mailbox = settings, mailbox
        self._server: asyncio.Server | None = None

    @property
    def heartbeats(self) -> tuple[Heartbeat, ...]:
        """None: the event loop is all that turns here."""
        return ()

    async def ready(self) -> bool:
        return self._server is not None and self._server.is_serving()

    async def run(self, stop: asyncio.Event) -> None:
        """Listens until `stop`. Raises OSError when the port is taken."""
        taker, loop = Taker(self._mailbox), asyncio.get_running_loop()
        limit = self._settings.mail_sink_largest_bytes
        self._server = await loop.create_server(
            lambda: SMTP(taker, data_size_limit=limit, ident="Fundline mail sink", loop=loop),
            self._settings.smtp_host,
            self._settings.smtp_port,
        )
        await stop.wait()
        self._server.close()
