"""What ends a command: told to the person at the terminal. What a caller of a service is told is a refusal."""


class CommandFailed(Exception):
    """One sentence that says what is wrong and what to do; shown without a traceback, exit status 1."""
