"""Fetches Apache Kafka's Java archives. Run as a program, so that a download can be given up cleanly:

python -m fundline.stack.engines.kafka_jars OUTPUT [REPOSITORY]   writes the list of files as JSON to OUTPUT
"""

import fcntl
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from fundline.platform.command_errors import CommandFailed
from fundline.stack.engines.preflight import plain_environment
from fundline.stack.process_spec import Report

COORDINATES = "org.apache.kafka:kafka_2.13:4.3.0+org.slf4j:slf4j-simple:1.7.36"
ARCHIVES = 46
"""How many files these coordinates resolve to."""
REPOSITORY_SETTING = "FUNDLINE_MAVEN_REPOSITORY"
DOWNLOAD_TIMEOUT_S = 300.0
REPORT_EVERY_S = 4.0


class KafkaUnavailable(CommandFailed):
    """Kafka's archives cannot be had here; the runner may fall back to the development broker."""


def find_jars(record: Path, environ: Mapping[str, str], report: Report) -> list[Path]:
    """The archives of Kafka, from the recorded list when all are still there, else resolved and recorded.

    Raises KafkaUnavailable.
    """
    if jars := _recorded(record):
        return jars
    report(f"fetching Apache Kafka 4.3 ({ARCHIVES} files, 45 MB, once)")
    argv = [sys.executable, "-m", "fundline.stack.engines.kafka_jars", str(record)]
    if repository := environ.get(REPOSITORY_SETTING):
        argv.append(repository)
    said = _run(argv, report)
    if jars := _recorded(record):
        return jars
    raise KafkaUnavailable(_sentence(said))


def resolve(record: Path, repository: str | None) -> None:
    """Downloads into the user's shared cache; one process at a time, others wait and find it filled."""
    import jgo

    cache = Path.home() / ".cache" / "jgo"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "fundline.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        repositories = {"central": repository} if repository else None
        jars = jgo.build(COORDINATES, repositories=repositories).all_jars
        if len(jars) < ARCHIVES:  # a download that was cut off, and that the cache takes for whole
            jars = jgo.build(COORDINATES, repositories=repositories, update=True).all_jars
    if len(jars) < ARCHIVES:
        sys.exit(f"only {len(jars)} of {ARCHIVES} files came")
    draft = record.with_suffix(".draft")
    draft.write_text(json.dumps({"coordinates": COORDINATES, "jars": [str(jar) for jar in jars]}, indent=1))
    draft.replace(record)


def _run(argv: list[str], report: Report) -> str:
    """Runs the download with a sign of life every few seconds; returns its last line."""
    started = time.monotonic()
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        process = subprocess.Popen(argv, stdout=output, stderr=output, env=plain_environment())
        try:
            while process.poll() is None:
                try:
                    process.wait(REPORT_EVERY_S)
                except subprocess.TimeoutExpired:
                    elapsed_s = time.monotonic() - started
                    if elapsed_s > DOWNLOAD_TIMEOUT_S:
                        return f"not finished after {DOWNLOAD_TIMEOUT_S:.0f} s"
                    report(f"fetching Apache Kafka 4.3, {elapsed_s:.0f} s so far")
        finally:
            process.kill()
            process.wait()
        output.seek(0)
        lines = [line.strip() for line in output if line.strip()]
    return lines[-1][:200] if lines else f"exit code {process.returncode}"


def _recorded(record: Path) -> list[Path]:
    try:
        content = json.loads(record.read_text())
    except (OSError, ValueError):
        return []
    jars = [Path(jar) for jar in content.get("jars", [])]
    is_whole = content.get("coordinates") == COORDINATES and all(jar.is_file() for jar in jars)
    return jars if is_whole else []


def _sentence(said: str) -> str:
    is_network = any(word in said for word in ("ConnectionError", "ProxyError", "Timeout", "SSLError"))
    reason = "no connection to the Maven repository" if is_network else said
    return (
        f"Apache Kafka could not be downloaded ({reason}); connect to the network, "
        f"or set {REPOSITORY_SETTING} to a Maven repository that this machine can reach."
    )


if __name__ == "__main__":
    resolve(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)  # noqa: PLR2004 program, output, then this
