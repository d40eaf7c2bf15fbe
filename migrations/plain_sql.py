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


def fill_reference_column(table: str, key: str, column: str, name: str) -> None:
    """Set a column of a reference table from a CSV with a header line and the columns `key` and `column`."""
    driver = op.get_bind().connection.driver_connection
    source = (HERE / "reference" / name).open("rb")
    columns = f"{key}, {column}"
    begin = f"create temporary table incoming as select {columns} from {table} with no data"  # noqa: S608 - our own names
    fill = f"update {table} t set {column} = i.{column} from incoming i where t.{key} = i.{key}"  # noqa: S608 - the same
    await_only(driver.execute(begin))
    await_only(
        driver.copy_to_table("incoming", source=source, columns=[key, column], format="csv", header=True)
    )
    await_only(driver.execute(f"{fill}; drop table incoming"))
