"""The rules of a commit's message, for the hook `commit-msg` and for `make lint`.

`commit_messages.py FILE` checks the message that git has written to a file; without an argument, the commits of this
branch are checked. Only Python's own library is used, so that the hook runs without the virtual environment.
"""

import re
import subprocess
import sys
from pathlib import Path

LONGEST_SUBJECT = 72
# Older commits were written before the rules; they are not judged.
LAST_COMMIT_BEFORE_THE_RULES = "28088f24f5d17ea0ad17d3773a53c243c6d936c6"
# A commit that `git rebase --autosquash` will take away carries the subject of another one.
TEMPORARY = re.compile(r"(fixup|squash|amend)! ")
TRAILER = re.compile(r"[A-Z][A-Za-z]*(-[A-Za-z]+)+: ")
SCISSORS = "# ------------------------ >8 ------------------------"


def problems_of(message: str) -> list[str]:
    """What is wrong with a message, one sentence for each fault."""
    subject, *rest = message.strip("\n").split("\n")
    if not subject.strip():
        return ["The commit has no subject."]
    problems = []
    if len(subject) > LONGEST_SUBJECT:
        problems.append(f"The subject has {len(subject)} characters; the limit is {LONGEST_SUBJECT}.")
    if subject.endswith("."):
        problems.append("The subject ends with a full stop; leave it out.")
    if rest and rest[0].strip():
        problems.append("The line after the subject is not empty.")
    if not any(line.strip() and not TRAILER.match(line) for line in rest):
        problems.append("The message has no body; say why the change is made.")
    return problems


def without_comments(message: str) -> str:
    """The message as git will keep it: without the lines that git itself wrote into the file."""
    kept = message.split(SCISSORS, maxsplit=1)[0].split("\n")
    return "\n".join(line for line in kept if not line.startswith("#"))


def _git(*arguments: str) -> str | None:
    """The output of git; None where git is not installed or refuses, for example without a repository."""
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.decode(errors="replace")


def _base() -> str | None:
    """The last commit that is not checked; None where no base is known, as in a shallow clone."""
    if _git("merge-base", "--is-ancestor", LAST_COMMIT_BEFORE_THE_RULES, "HEAD") is not None:
        return LAST_COMMIT_BEFORE_THE_RULES
    for branch in ("origin/main", "main"):
        if (base := _git("merge-base", branch, "HEAD")) is not None:
            return base.strip()
    return None


def check_commits() -> int:
    base = _base()
    listed = _git("log", "--no-merges", "--format=%h%n%B%x00", f"{base}..HEAD") if base else None
    failed = 0
    for commit in (listed or "").split("\0"):
        name, _, message = commit.strip("\n").partition("\n")
        for problem in problems_of(message) if name else []:
            failed = 1
            subject = message.split("\n", maxsplit=1)[0]
            sys.stderr.write(f"Commit {name} ({subject[:LONGEST_SUBJECT]}): {problem}\n")
    if failed:
        sys.stderr.write(
            "Change the messages with `git rebase --interactive`; CONTRIBUTING.md has the rules.\n"
        )
    return failed


def check_file(file: Path) -> int:
    message = without_comments(file.read_text(errors="replace"))
    if TEMPORARY.match(message) or message.startswith("Merge "):
        return 0
    problems = problems_of(message)
    for problem in problems:
        sys.stderr.write(problem + "\n")
    if problems:
        sys.stderr.write(f"Your text is still in {file}; CONTRIBUTING.md has the rules.\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(check_file(Path(sys.argv[1])) if len(sys.argv) > 1 else check_commits())
