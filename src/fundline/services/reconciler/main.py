"""Composition root of the reconciler."""

from contextlib import AsyncExitStack

from fundline.platform.process import Service, run_process
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.reconciler.settings import Settings
from fundline.services.reconciler.wiring import open_reconciler


def main() -> None:
    settings = Settings()

    async def build(metrics: Metrics) -> Service:
        stack = AsyncExitStack()
        opened = await stack.enter_async_context(open_reconciler(settings, metrics))
        return Service(
            background=[opened.reconciler, opened.consumers],
            database=opened.database,
            close=[stack.aclose],
        )

    run_process(settings, build)


if __name__ == "__main__":
    main()
