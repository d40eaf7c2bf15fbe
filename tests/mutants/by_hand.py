"""`make mutants ENGINES=1`: apply each mutation of `campaign.py` to a copy of the project and run its tests there.

First all these tests without a mutation: a test that fails anyway would seem to kill every one. Then one run of pytest
in a forked process for each mutation, on engines that were started once. Prints a line for each and the rate; the exit
status is 1 when one survives. `NAME=...` runs those whose name contains it.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest

from mutants import attached
from mutants.campaign import MUTATIONS
from mutants.mutation import Mutation
from support.engines import started_engines

ROOT = Path(__file__).parents[2]
LIMIT_S, UNCHANGED_LIMIT_S = 240, 1800
OUTCOMES = {0: "SURVIVED", 1: "killed"}
_OWN = ("fundline", "support")


def main(part_of_name: str = "") -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the engines are stopped then, too
    chosen = [mutation for mutation in MUTATIONS if part_of_name in mutation.name]
    with tempfile.TemporaryDirectory(prefix="fundline-mutants-") as folder:
        copy = Path(folder, "copy")
        _copy_to(copy)
        with started_engines(with_fleet=False) as engines:
            attached.RUNNING.append(engines)
            output = Path(folder, "pytest.out")
            if not _pass_unchanged(chosen, copy, output):
                return 1
            outcomes = [_tried(mutation, copy, output) for mutation in chosen]
    survived = outcomes.count("SURVIVED")
    print(f"{len(chosen) - survived} of {len(chosen)} mutations killed, {survived} survived")
    return int(outcomes != ["killed"] * len(chosen))


def _copy_to(copy: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    # Nearer to the tests than tests/conftest.py, and so the one they get; what else stands there stays.
    with (copy / "tests/integration/conftest.py").open("a") as conftest:
        conftest.write("\nfrom mutants.attached import engines\n")


def _pass_unchanged(mutations: list[Mutation], copy: Path, output: Path) -> bool:
    tests = tuple(sorted({test for mutation in mutations for test in mutation.tests}))
    passed = _outcome_of_tests(tests, copy, output, limit_s=UNCHANGED_LIMIT_S) == "SURVIVED"
    if not passed:
        print("These tests fail without any mutation:", output.read_text()[-2000:], sep="\n", flush=True)
    return passed


def _tried(mutation: Mutation, copy: Path, output: Path) -> str:
    file = copy / "src/fundline" / mutation.file
    whole = file.read_text()
    began = time.monotonic()
    file.write_text(whole.replace(mutation.before, mutation.after))
    try:
        outcome = _outcome_of_tests(mutation.tests, copy, output)
    finally:
        file.write_text(whole)
    print(f"{mutation.name:32} {outcome} ({time.monotonic() - began:.0f} s)", flush=True)
    if outcome not in OUTCOMES.values():
        print(output.read_text()[-2000:] if output.exists() else "", flush=True)
    return outcome


def _outcome_of_tests(tests: tuple[str, ...], copy: Path, output: Path, *, limit_s: float = LIMIT_S) -> str:
    child = os.fork()
    if child == 0:
        _run_tests(tests, copy, output)
    end = time.monotonic() + limit_s
    try:
        while time.monotonic() < end:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                code = os.waitstatus_to_exitcode(status)
                return OUTCOMES.get(code, f"BROKEN: pytest ended with {code}")
            time.sleep(0.1)
        return "killed"  # it hangs: whoever runs the tests notices
    finally:
        with suppress(ProcessLookupError, ChildProcessError):
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)


def _run_tests(tests: tuple[str, ...], copy: Path, output: Path) -> None:
    """In the forked process; never returns. Everything of ours is imported again, from the copy."""
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sink = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(sink, 1)
    os.dup2(sink, 2)
    os.chdir(copy)
    for name in [name for name in sys.modules if name.split(".")[0] in _OWN]:
        del sys.modules[name]
    for path in ("src", "tests"):
        sys.path.insert(0, str(copy / path))
    os.environ["PYTHONPATH"] = f"{copy}/src"  # processes that a test starts
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    sys.dont_write_bytecode = True
    code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", "--tb=short", *tests])
    sys.stdout.flush()
    os._exit(int(code))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
