"""The SQL that makes the roles and the database; safe to run at every start."""

from fundline.stack.engines.postgres_files import REPLICATION_ROLE
from fundline.stack.keys import DatabasePasswords

DATABASE = "fundline"
OWNER_ROLE = "fundline_owner"
APP_ROLE = "fundline_app"

SLOT_SQL = """\
SELECT pg_create_physical_replication_slot('{slot}', true)
WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = '{slot}');
"""


def roles_sql(passwords: DatabasePasswords) -> str:
    """A psql script: three roles, the database and its extension.

    The application's role gets no right on tables here: each migration grants what a table allows.
    """
    return f"""\
\\set ON_ERROR_STOP on
-- A slow or failing statement would be logged with its password.
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';
{_role(OWNER_ROLE, "LOGIN", passwords.owner)}
{_role(APP_ROLE, "LOGIN", passwords.app)}
{_role(REPLICATION_ROLE, "LOGIN REPLICATION", passwords.replication)}
ALTER ROLE {APP_ROLE} SET statement_timeout = '15s';
ALTER ROLE {APP_ROLE} SET lock_timeout = '5s';
ALTER ROLE {APP_ROLE} SET idle_in_transaction_session_timeout = '30s';
SELECT 'CREATE DATABASE {DATABASE} OWNER {OWNER_ROLE}'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{DATABASE}') \\gexec
REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC;
GRANT CONNECT ON DATABASE {DATABASE} TO {APP_ROLE};
\\connect {DATABASE}
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
ALTER SCHEMA public OWNER TO {OWNER_ROLE};
GRANT USAGE ON SCHEMA public TO {APP_ROLE};
"""  # noqa: S608 made of constants and of hex digits from keys.py


def _role(name: str, rights: str, password: str) -> str:
    return f"""\
SELECT 'CREATE ROLE {name}' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') \\gexec
ALTER ROLE {name} {rights} PASSWORD '{password}';"""  # noqa: S608 made of constants and of hex digits from keys.py
