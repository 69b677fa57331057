"""Imports only point down: the floors of the architecture, read from the code itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "gitsession"

FLOORS: tuple[frozenset[str], ...] = (
    frozenset({"model", "status", "address", "errors", "wording"}),
    frozenset({"run", "files"}),
    frozenset({"git", "runtime", "hub", "credentials", "hooks", "waiting"}),
    frozenset({"snapshot", "replicas", "review", "editor"}),
    frozenset({"agent"}),
    frozenset({"session", "card", "resume", "notebook", "proposal", "doctor"}),
    frozenset({"commands", "__init__"}),
    frozenset({"cli", "__main__"}),
)
SIBLINGS_THAT_MAY_MEET = {
    ("address", "errors"),
    ("model", "errors"),
    ("errors", "wording"),
    ("status", "model"),
    ("run", "files"),
    ("__main__", "cli"),
    ("hub", "credentials"),
    ("session", "card"),
    ("session", "proposal"),
    ("proposal", "resume"),
    ("resume", "session"),
    ("doctor", "resume"),
    ("notebook", "session"),
    ("notebook", "card"),
    ("commands", "__init__"),
    ("__init__", "commands"),
}


def unit_of(module: str) -> str:
    """The floor's entry that a module such as `gitsession.agent.keeper` belongs to."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def floor_of(unit: str) -> int:
    return next(number for number, units in enumerate(FLOORS) if unit in units)


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        dotted = ".".join(("gitsession", *path.relative_to(PACKAGE).with_suffix("").parts))
        yield dotted.removesuffix(".__init__") if path.parent != PACKAGE else dotted, path


@cache
def imports(path: Path) -> tuple[tuple[int, str], ...]:
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def ours(imported: str) -> str | None:
    """The unit that an import reaches, None for foreign packages."""
    if imported != "gitsession" and not imported.startswith("gitsession."):
        return None
    unit = unit_of(imported)
    known = {name for units in FLOORS for name in units}
    return unit if unit in known else "__init__"


def violations(module: str, path: Path) -> Iterator[str]:
    unit = unit_of(module)
    for line, imported in imports(path):
        target = ours(imported)
        if target is None or target == unit or (unit, target) in SIBLINGS_THAT_MAY_MEET:
            continue
        if floor_of(target) >= floor_of(unit):
            up = f"{unit} (floor {floor_of(unit)}) imports {target} (floor {floor_of(target)})"
            yield f"{path.name}:{line}: {up}"


def test_imports_point_down() -> None:
    assert [wrong for module, path in modules() for wrong in violations(module, path)] == []


def test_an_import_that_points_up_is_seen(tmp_path: Path) -> None:
    planted = tmp_path / "run.py"
    planted.write_text("from gitsession.agent import keeper\n")
    assert list(violations("gitsession.run", planted)) == ["run.py:1: run (floor 1) imports agent (floor 4)"]


def circle(files: Mapping[str, Path]) -> list[str]:
    """The modules of one circle of imports, those for types alone too; none where there is no circle."""
    reached = {
        module: {name if name in files else name.rpartition(".")[0] for _, name in imports(path)} - {module}
        for module, path in files.items()
    }
    try:
        TopologicalSorter(reached).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_module_imports_itself_by_way_of_others() -> None:
    assert circle(dict(modules())) == []


def test_a_circle_that_serves_types_alone_is_seen(tmp_path: Path) -> None:
    upper, lower = tmp_path / "upper.py", tmp_path / "lower.py"
    upper.write_text("from gitsession.lower import look\n")
    lower.write_text("if TYPE_CHECKING:\n    from gitsession.upper import Agent\n")
    assert set(circle({"gitsession.upper": upper, "gitsession.lower": lower})) == {
        "gitsession.upper",
        "gitsession.lower",
    }


def trespasses(module: str, path: Path) -> Iterator[str]:
    doors = {"subprocess": "run", "github": "hub", "git": "git", "pyngrok": "editor", "watchdog": "agent"}
    for line, imported in imports(path):
        door = doors.get(imported.partition(".")[0])
        if door is not None and unit_of(module) != door:
            yield f"{path.name}:{line}: {imported} belongs to {door}"


def test_one_door_per_outside_thing() -> None:
    assert [wrong for module, path in modules() for wrong in trespasses(module, path)] == []


def test_a_door_that_is_passed_is_seen(tmp_path: Path) -> None:
    planted = tmp_path / "take.py"
    planted.write_text("if TYPE_CHECKING:\n    import subprocess\n")
    assert list(trespasses("gitsession.snapshot.take", planted)) == ["take.py:2: subprocess belongs to run"]
