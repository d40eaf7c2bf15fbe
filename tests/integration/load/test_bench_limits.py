"""The limit of submissions in `make bench` is the very same statement; it lacked seven parameters and did not run."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from fundline.platform.database import open_database
from fundline.platform.secrets import SecretBox
from fundline.platform.settings import DatabaseSettings
from fundline.stack.engines.postgres_files import PACKAGE, TITLE
from fundline.stack.engines.preflight import package_folder, plain_environment, run_program
from load.pgbench import SubmitScript
from support.stored import submitted_application

pytestmark = pytest.mark.integration


@dataclass
class OwnSite:
    """As the benchmark's site, on a database of the test's own."""

    postgres: Any
    url: str

    def sql(self, script: str) -> str:
        return self.postgres.run_sql(script, database=urlsplit(self.url).path.removeprefix("/"))

    def pgbench(self, *arguments: str, timeout_s: float) -> str:
        url = urlsplit(self.url)
        program = str(package_folder(PACKAGE, TITLE) / "pginstall" / "bin" / "pgbench")
        server = ("-h", str(url.hostname), "-p", str(url.port), "-U", str(url.username))
        return run_program(
            [program, "--no-vacuum", *server, *arguments, url.path.removeprefix("/")],
            "pgbench",
            env={**plain_environment(), "PGPASSWORD": str(url.password)},
            timeout_s=timeout_s,
        )


@pytest.mark.breaks_the_books("the benchmark's rows share the audit entry of the first application")
async def test_pgbench_can_submit_with_the_statement_of_the_api(engines, database_url):
    database = await open_database(DatabaseSettings(database_url=database_url))
    await submitted_application(database, SecretBox(engines.stack.keys.account_key))
    site: Any = OwnSite(engines.stack.postgres, database_url)
    assert SubmitScript(site).run(clients=2, duration_s=1) > 0
    stored = await database.fetchrow(
        "select (select count(*) from applications) as applications, (select count(*) from outbox) as events,"
        " (select min(response_status) from idempotency_keys) as status"
    )
    await database.close()
    assert stored is not None
    assert stored["applications"] > 1
    assert stored["events"] == 3 * stored["applications"]
    assert stored["status"] == 202
