from fundline.platform.settings import DatabaseSettings, KafkaSettings


class Settings(DatabaseSettings, KafkaSettings):
    """The risk worker needs a database and Kafka, nothing else."""
