"""The command line as a person calls it, in the process of the test: a new interpreter takes a second to import it."""

import io
import os
import subprocess
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from unittest.mock import patch

from fundline.cli import main


def fundline(
    *arguments: object, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """`fundline ARGUMENTS`; `environment` in place of the test's own. One at a time: it holds the standard streams."""
    called = ["fundline", *map(str, arguments)]
    given = dict(os.environ if environment is None else environment)
    status: object = 0
    with (
        patch.dict(os.environ, given, clear=True),
        patch("sys.argv", called),
        redirect_stdout(io.StringIO()) as out,
        redirect_stderr(io.StringIO()) as err,
    ):
        try:
            main()
        except SystemExit as ended:
            status = ended.code or 0
    assert isinstance(status, int), "a status, and no text that Python would print"
    return subprocess.CompletedProcess(called, status, out.getvalue(), err.getvalue())
