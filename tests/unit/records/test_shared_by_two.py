"""`records` holds what several processes share; a module that one of them uses alone stands with that one."""

import ast
from collections import defaultdict
from pathlib import Path

import fundline

SOURCE = Path(fundline.__file__).parent
REPOSITORY = SOURCE.parent.parent
ALONE_WITH_REASON = {
    "configuration": "migrations write with it what `recorded_rows` compares",
    "metrics": "found by its name, asked for by class",
}


def owner_of(file: Path) -> str:
    parts = file.relative_to(SOURCE).parts
    return "/".join(parts[:2]) if parts[0] in {"services", "outside", "records"} else parts[0]


def users_by_module() -> dict[str, set[str]]:
    users: dict[str, set[str]] = defaultdict(set)
    modules = {file.stem for file in (SOURCE / "records").glob("*.py")}
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("fundline.records"):
                continue
            named = node.module.split(".")[2:3] if node.module else []
            for module in named or [name.name for name in node.names if name.name in modules]:
                users[module].add(owner_of(file))
    return users


def test_every_module_of_the_records_is_shared():
    users = users_by_module()
    modules = (
        {file.stem for file in (SOURCE / "records").glob("*.py")} - {"__init__"} - set(ALONE_WITH_REASON)
    )
    alone = {
        module: sorted(users[module])
        for module in modules
        if len(users[module]) < 2 and not any(user.startswith("records/") for user in users[module])
    }
    assert alone == {}
