"""Composition root of the status service."""

from functools import partial

from fundline.platform.process import run_process
from fundline.services.status_api.settings import Settings
from fundline.services.status_api.wiring import build


def main() -> None:
    settings = Settings()
    run_process(settings, partial(build, settings))


if __name__ == "__main__":
    main()
