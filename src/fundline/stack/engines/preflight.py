"""What every engine checks before its start, and the sentence for each finding."""

import importlib.util
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from fundline.platform.command_errors import CommandFailed
from fundline.stack.layout import PORT_SETTING_PREFIX, is_port_free
from fundline.stack.process_spec import identity_of

VERSION_TIMEOUT_S = 20.0


def require_free_port(port: int, title: str, setting: str) -> None:
    """`setting` is the name after FUNDLINE_PORT_, such as POSTGRES."""
    if not is_port_free(port):
        raise CommandFailed(
            f"Port {port} for {title} is in use by another program; "
            f"stop it or set {PORT_SETTING_PREFIX}{setting}."
        )


def package_folder(package: str, title: str) -> Path:
    """The folder of an installed engine wheel, found without importing its Python layer."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise CommandFailed(f"{title} is not installed (Python package {package}); run `make install`.")
    return Path(next(iter(found.submodule_search_locations)))


def require_working_program(argv: Sequence[str], title: str, user: str | None = None) -> None:
    """Runs the program's own version command; a broken file shows here and not as a start that hangs."""
    try:
        run_program(argv, title, user=user, timeout_s=VERSION_TIMEOUT_S)
    except CommandFailed as error:
        raise CommandFailed(
            f"{error} Its program may be damaged: reinstall it with `make install`."
        ) from error


def run_program(
    argv: Sequence[str],
    title: str,
    *,
    user: str | None = None,
    env: Mapping[str, str] | None = None,
    stdin_text: str | None = None,
    timeout_s: float,
) -> str:
    """Runs an engine's tool to its end and returns what it wrote on standard output.

    Raises CommandFailed with the tool's last line when it cannot run, fails or takes too long.
    """
    identity = identity_of(user)
    try:
        done = subprocess.run(
            argv,
            input=stdin_text,
            stdin=None if stdin_text is not None else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            cwd="/",
            env={**plain_environment(), **(env or {})},
            user=identity.user,
            group=identity.group,
            extra_groups=identity.extra_groups,
            check=False,
        )
    except OSError as error:
        raise CommandFailed(f"{title} cannot run here: {argv[0]}: {error.strerror}.") from error
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(
            f"{title} did not finish within {timeout_s:.0f} s: {Path(argv[0]).name}."
        ) from error
    if done.returncode != 0:
        said = (
            _line_with_the_cause(done.stderr)
            or _line_with_the_cause(done.stdout)
            or f"exit code {done.returncode}"
        )
        raise CommandFailed(f"{title} failed ({Path(argv[0]).name}): {said.rstrip('.')}.")
    return done.stdout


def _line_with_the_cause(text: str) -> str:
    """The last line that names an error, else the last line; tools like initdb go on talking after it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower() or "fatal" in line.lower()]
    return (errors or lines or [""])[-1][:500]


def plain_environment() -> dict[str, str]:
    """The caller's environment without what would quietly change an engine (PGHOST, JAVA_TOOL_OPTIONS...)."""
    changing = ("PG", "JAVA_", "JDK_", "KAFKA_", "LC_", "LD_PRELOAD")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(changing)}
    return {**kept, "LC_ALL": "C"}
