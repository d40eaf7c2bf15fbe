"""What the fleet needs once its engines run: the schema with its reference data, and the topics."""

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import fundline
from fundline.platform.command_errors import CommandFailed
from fundline.stack.engines.preflight import plain_environment

MIGRATION_TIMEOUT_S = 120.0


def repository_root() -> Path:
    """The folder of alembic.ini and the migrations. Raises CommandFailed outside of a clone."""
    root = Path(fundline.__file__).parents[2]
    if not (root / "alembic.ini").is_file():
        raise CommandFailed(
            f"The migrations are not at {root}; run Fundline from a clone of its repository (`make up`)."
        )
    return root


def migrate(owner_url: str, log_file: Path) -> None:
    """Bring the schema and the reference data to the newest revision. Raises CommandFailed."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "alembic", "upgrade", "head"],
            cwd=repository_root(),
            env={**plain_environment(), "FUNDLINE_MIGRATION_DATABASE_URL": owner_url},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=MIGRATION_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(f"The migration did not finish within {MIGRATION_TIMEOUT_S:.0f} s.") from error
    with suppress(OSError), log_file.open("ab") as log:  # a schema that is migrated does not need its log
        log.write(done.stdout + done.stderr)
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise CommandFailed(
            f"The migration failed: {lines[-1] if lines else 'it said nothing'}; see {log_file}."
        )


def create_missing_topics(bootstrap: str) -> int:
    """Create what the contracts list and Kafka lacks; returns how many. Raises CommandFailed."""
    from fundline.platform.kafka.topics import create_topics

    try:
        return create_topics(bootstrap)
    except Exception as error:  # the driver's error types are at home in platform/kafka
        raise CommandFailed(
            f"Kafka at {bootstrap} did not create the topics ({error}); see kafka.log and start again."
        ) from error
