"""Runs a .sql file as it stands: many statements, no parameters."""

from pathlib import Path

from alembic import op
from sqlalchemy.util import await_only

HERE = Path(__file__).parent


def run_file(name: str) -> None:
    driver = op.get_bind().connection.driver_connection
    await_only(driver.execute((HERE / "sql" / name).read_text()))


def copy_reference(table: str, columns: list[str], name: str) -> None:
    """Load a CSV with a header line into a reference table."""
    driver = op.get_bind().connection.driver_connection
    source = (HERE / "reference" / name).open("rb")
    await_only(driver.copy_to_table(table, source=source, columns=columns, format="csv", header=True))
