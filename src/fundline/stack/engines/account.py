"""The unprivileged account that PostgreSQL, which refuses to run as root, runs as."""

import os
import pwd
import shutil
import subprocess
from pathlib import Path

from fundline.platform.command_errors import CommandFailed
from fundline.stack.process_spec import identity_of

ACCOUNT = "fundline"
FALLBACK_ACCOUNT = "nobody"
USERADD_TIMEOUT_S = 20.0


def unprivileged_account() -> str | None:
    """None when the caller is not root; else the account's name, created when it is missing."""
    if os.geteuid() != 0:
        return None
    if not _exists(ACCOUNT) and (useradd := shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin")):
        # Two stacks may start at once; the loser finds the account made, so only the result counts.
        subprocess.run(
            [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT],
            capture_output=True,
            timeout=USERADD_TIMEOUT_S,
            check=False,
        )
    for account in (ACCOUNT, FALLBACK_ACCOUNT):
        if _exists(account):
            return account
    raise CommandFailed(
        "PostgreSQL refuses to run as root and no other account exists; "
        f"create one with `useradd --system {ACCOUNT}` or start Fundline as an ordinary user."
    )


def can_reach(account: str | None, path: Path) -> bool:
    """Whether the account may go through every folder above an existing path and read it."""
    if account is None:
        return os.access(path, os.R_OK)
    identity = identity_of(account)
    asked = subprocess.run(
        ["test", "-r", str(path)],
        cwd="/",
        user=identity.user,
        group=identity.group,
        extra_groups=identity.extra_groups,
        timeout=USERADD_TIMEOUT_S,
        check=False,
    )
    return asked.returncode == 0


def give(account: str | None, path: Path) -> None:
    """Makes the account the owner of one file or folder; nothing to do when the caller is not root."""
    if account is not None:
        owner = pwd.getpwnam(account)
        os.chown(path, owner.pw_uid, owner.pw_gid)


def _exists(account: str) -> bool:
    try:
        pwd.getpwnam(account)
    except KeyError:
        return False
    return True
