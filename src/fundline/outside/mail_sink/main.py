"""Composition root of the mail sink."""

from fundline.outside.mail_sink.mailbox import Mailbox
from fundline.outside.mail_sink.routes import Pages
from fundline.outside.mail_sink.settings import Settings
from fundline.outside.mail_sink.smtp import SmtpDoor
from fundline.platform.http.api import api
from fundline.platform.process import Service, run_process
from fundline.platform.telemetry.metrics import Metrics


def main() -> None:
    settings = Settings()

    async def build(_: Metrics) -> Service:
        mailbox = Mailbox(settings.mail_sink_kept)
        door = SmtpDoor(settings, mailbox)
        return Service(app=api(Pages(mailbox).all()), background=[door], checks={"smtp": door.ready})

    run_process(settings, build)


if __name__ == "__main__":
    main()
