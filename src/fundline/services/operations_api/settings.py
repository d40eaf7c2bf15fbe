from fundline.platform.settings import DatabaseSettings, TokenSettings


class Settings(DatabaseSettings, TokenSettings):
    """The operations API."""
