from fundline.platform.flags import FlagFileSettings
from fundline.platform.settings import DatabaseSettings, TokenSettings


class Settings(DatabaseSettings, TokenSettings, FlagFileSettings):
    """The operations API. It is what writes the flags file: `flags_file` is a path that it may write to."""
