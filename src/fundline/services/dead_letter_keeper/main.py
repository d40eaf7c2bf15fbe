"""Composition root of the dead-letter keeper."""

from fundline.contracts.topics import DEAD_LETTER_KEEPER
from fundline.platform.database import open_database
from fundline.platform.kafka.keeping import KeepingConsumer
from fundline.platform.process import Service, run_process
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.dead_letter_keeper.keeper import Keeper, WaitingLetters
from fundline.services.dead_letter_keeper.reading import TOPIC_OF
from fundline.services.dead_letter_keeper.settings import Settings


def main() -> None:
    settings = Settings()

    async def build(metrics: Metrics) -> Service:
        database = await open_database(settings)
        keeper = Keeper(database, metrics, prefix=settings.topic_prefix)
        consumer = KeepingConsumer(
            settings, DEAD_LETTER_KEEPER, list(TOPIC_OF), keep=keeper.keep, metrics=metrics
        )
        waiting = WaitingLetters(database, metrics, every_s=settings.dead_letters_counted_every_s)
        return Service(
            background=[consumer, waiting],
            database=database,
            checks={"consumer": consumer.ready},
            close=[database.close],
        )

    run_process(settings, build)


if __name__ == "__main__":
    main()
