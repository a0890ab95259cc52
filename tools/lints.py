"""House rules that no linter off the shelf knows. Each says why it exists; all run in `make lint`.

    lints.py [ROOT]      exit 1 with `file:line: rule: what is wrong` for each finding

made-sql        SQL is a constant. Text put into SQL is how strangers reach other rows, and it defeats the cache
                of prepared statements. Names that cannot be parameters come from constants (ALL_CAPS) or `schema`.
http-client     Calling out needs timeouts, a guard against calling inwards, and a test that nothing real is called: the
                few files that may do it are listed here.
unfenced        A request sees its caller's projects and no others (docs/decisions/0017): a route that opens a transaction by itself
                hands them over.
way-round       A header or setting that lets somebody in without a credential "for development" is let in everywhere in the end:
                nothing that is called like one may be in the source (docs/security.md, P0-1).
swallowed       `except Exception: pass` loses an error for ever, and nothing may be dropped silently.
long-file       Over 400 lines nobody reads a file whole: it wants to be two.
long-function   Over 60 lines nobody sees a function whole. Functions inside it are counted by themselves: a factory of routes is
                a list of short ones.
vague-name      A file called utils, common, helper, base or manager gathers what belongs elsewhere: name what it does.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[1]
LONGEST_FILE, LONGEST_FUNCTION = 400, 60
VAGUE = {"util", "utils", "utilities", "common", "helper", "helpers", "base", "manager", "managers", "misc"}
SKIPPED = {"__pycache__", "node_modules", "dist", "build", "floor"}  # the floor is a yardstick, not built on

SQL = re.compile(
    r"\bselect\b.*\bfrom\b|\bselect\s+\w+\(|\binsert\s+into\b|\bupdate\b.+\bset\b|\bdelete\s+from\b"
    r"|\b(create|alter|drop|truncate)\s+(or\s+replace\s+)?(unique\s+)?(temp\w*\s+)?"
    r"(table|role|user|schema|database|function|policy|index|sequence|view|type|extension|trigger)\b"
    r"|\b(grant|revoke)\b.+\b(on|to|from)\b|^\s*(set\s+(local|session|role)|listen|notify|lock\s+table|copy)\s",
    re.IGNORECASE | re.DOTALL,
)
WAY_ROUND = re.compile(
    r"\bx[-_]dev[-_]|\b(skip|disable|bypass|no)[-_]?auth(entication)?\b|\bauth(entication)?[-_]?(disabled|bypass)\b"
    r"|\btest[-_]routes|\bdev[-_]?(mode|user|tenant|role|api[-_]?key)\b",
    re.IGNORECASE,
)
CONSTANT_NAMES = re.compile(r"_?[A-Z][A-Z0-9_]*|_?schema")
WALL_BUILDERS = {
    "protect",
    "fence",
    "take_fence_away",
    "finder_may_read",
    "finder_function",
}  # postgres.walls: SQL from names in source code
MADE_SQL_ALLOWED = {
    "libs/postgres/src/postgres/database.py": "set local takes no parameters; only what is a UUID gets into it, and a test plants other",
    "libs/postgres/src/postgres/walls.py": "statements of migrations take no parameters; names come from source code",
    "libs/postgres/src/postgres/roles.py": "role statements take no parameters; names come from the list of services",
    "libs/postgres/src/postgres/listing.py": "columns and operators come from closed tables, values are parameters",
    "libs/web/src/web/paging.py": "counts what a Listing selects, with the same closed tables",
    "libs/outbox/src/outbox/said.py": "reads the outbox of a service by its name",
    "services/channel-gateway/src/channel_gateway/adapters/channels_in_postgres.py": "columns come from a closed set",
    "services/channel-gateway/src/channel_gateway/adapters/receiving_channels_in_postgres.py": "one of two functions",
    "libs/testkit/src/testkit/servers.py": "databases of tests are made and dropped by names that it invents",
}
HTTP_CLIENTS = {"httpx", "httpcore", "aiohttp", "requests", "urllib3", "urllib.request", "http.client"}
HTTP_ALLOWED = (
    "libs/web/src/web/*",  # the keys that tokens are checked with; health of others
    "services/api-gateway/src/api_gateway/**/*",  # it forwards
    "services/channel-gateway/src/channel_gateway/adapters/waha/*",  # the provider
    "simulators/**/*",  # posts webhooks
    "local-stack/**/*",  # asks its own processes
    "libs/testkit/src/testkit/serving.py",  # asks the service under test, in process
)

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

Finding = tuple[int, str]
Rule = Callable[[PurePosixPath, str, ast.Module], Iterator[Finding]]


def made_sql(file: PurePosixPath, text: str, tree: ast.Module) -> Iterator[Finding]:
    """SQL text that is put together from anything but constants."""
    if "src" not in file.parts or str(file) in MADE_SQL_ALLOWED:
        return
    constants = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        template, parts = _template_and_parts(node, constants)
        if SQL.search(template) and any(not _is_constant(part) for part in parts):
            yield node.lineno, "SQL is made from something that is no constant; hand it over as a parameter"  # type: ignore[attr-defined]


def http_client(file: PurePosixPath, text: str, tree: ast.Module) -> Iterator[Finding]:
    """A file that may not call out, but could."""
    if "src" not in file.parts or any(file.match(pattern) or _under(file, pattern) for pattern in HTTP_ALLOWED):
        return
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for client in HTTP_CLIENTS:
            if any(name == client or name.startswith(f"{client}.") for name in names):
                yield node.lineno, f"{client} here; only the files listed in tools/lints.py call out"  # type: ignore[attr-defined]


def way_round(file: PurePosixPath, text: str, tree: ast.Module) -> Iterator[Finding]:
    """Something that is called like a way round sign-in."""
    if "src" not in file.parts:
        return
    for number, line in enumerate(text.splitlines(), 1):
        if found := WAY_ROUND.search(line):
            yield number, f"'{found[0]}' is called like a way round sign-in, and there is none"


def swallowed(file: PurePosixPath, text: str, tree: ast.Module) -> Iterator[Finding]:
    """Every error caught and none of them told."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and _catches_all(node.type) and all(map(_does_nothing, node.body)):
            yield node.lineno, "every error is caught and none is told"
        suppresses = isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress")
        if isinstance(node, ast.Call) and suppresses and any(map(_catches_all, node.args)):
            yield node.lineno, "every error is suppressed and none is told"


def long_file(file: PurePosixPath, text: str, tree: ast.Module) -> Iterator[Finding]:
    """More lines than anybody reads."""
    lines = len(text.splitlines())
    if lines > LONGEST_FILE:
        yield 1, f"{lines} lines, at most {LONGEST_FILE}"


def long_function(file: PurePosixPath, text: str, tree: ast.Module) -> Iterator[Finding]:
    """More lines than anybody sees at once."""
    for node in ast.walk(tree):
        if isinstance(node, FUNCTIONS):
            lines = _lines_of(node) - sum(_lines_of(inner) for inner in node.body if isinstance(inner, FUNCTIONS))
            if lines > LONGEST_FUNCTION:
                yield node.lineno, f"{node.name} has {lines} lines, at most {LONGEST_FUNCTION}"


def _lines_of(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def unfenced(file: PurePosixPath, text: str, tree: ast.Module) -> Iterator[Finding]:
    """A transaction of a route without the caller's projects."""
    if file.parts[:1] != ("services",) or file.parts[4:6] != ("entrypoints", "http"):
        return
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="begin" | "transaction"), args=args, keywords=keywords) if (
                len(args) + len(keywords) < 2
            ):
                yield node.lineno, "a route's transaction is begun with the caller's projects"


def vague_name(file: PurePosixPath, text: str, tree: ast.Module) -> Iterator[Finding]:
    """A name that says nothing of what is inside."""
    for part in (*file.parts[:-1], file.stem):
        if words := VAGUE.intersection(re.split(r"[_.-]", part.lower())):
            yield 1, f"'{part}' says nothing ({', '.join(sorted(words))}); name what it does"


RULES: tuple[Rule, ...] = (made_sql, http_client, unfenced, way_round, swallowed, long_file, long_function, vague_name)


def findings(root: Path) -> Iterator[str]:
    """Yield what is wrong in the Python files under `root`."""
    for path in sorted(root.rglob("*.py")):
        file = PurePosixPath(path.relative_to(root).as_posix())
        if any(part.startswith(".") or part in SKIPPED for part in file.parts):
            continue
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text, filename=str(file))
        for rule in RULES:
            for line, complaint in rule(file, text, tree):
                yield f"{file}:{line}: {rule.__name__.replace('_', '-')}: {complaint}"


def main(arguments: list[str]) -> int:
    """Run the command."""
    found = list(findings(Path(arguments[0]) if arguments else ROOT))
    for finding in found:
        print(finding)
    return 1 if found else 0


def _template_and_parts(node: ast.AST, constants: dict[str, str]) -> tuple[str, list[ast.expr]]:
    """Return the fixed text of an expression that makes text, and what is put into it; ('', []) for any other."""
    match node:
        case ast.JoinedStr():
            parts = [part.value for part in node.values if isinstance(part, ast.FormattedValue)]
            return " x ".join(str(part.value) for part in node.values if isinstance(part, ast.Constant)), parts
        case ast.BinOp(left=left, op=ast.Mod(), right=right):
            values = right.elts if isinstance(right, ast.Tuple) else [right]
            return _fixed_text(left, constants), list(values)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return f"{_fixed_text(left, constants)} x {_fixed_text(right, constants)}", [
                side for side in (left, right) if not _fixed_text(side, constants)
            ]
        case ast.Call(func=ast.Attribute(value=value, attr="format"), args=args, keywords=keywords):
            return _fixed_text(value, constants), [*args, *(keyword.value for keyword in keywords)]
    return "", []


def _fixed_text(node: ast.expr, constants: dict[str, str]) -> str:
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.Name(id=name) if name in constants:
            return constants[name]
        case ast.JoinedStr():
            return " x ".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return f"{_fixed_text(left, constants)} {_fixed_text(right, constants)}".strip()
    return ""


def _is_constant(node: ast.expr) -> bool:
    match node:
        case ast.Constant():
            return True
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return CONSTANT_NAMES.fullmatch(name) is not None
        case ast.Call(func=ast.Name(id=name)):
            return name in WALL_BUILDERS
    return False


def _catches_all(node: ast.expr | None) -> bool:
    if isinstance(node, ast.Tuple):
        return any(map(_catches_all, node.elts))
    return node is None or (isinstance(node, ast.Name) and node.id in {"Exception", "BaseException"})


def _does_nothing(node: ast.stmt) -> bool:
    return isinstance(node, ast.Pass | ast.Continue) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    )


def _under(file: PurePosixPath, pattern: str) -> bool:
    """`a/**/*` is everything below `a`; before Python 3.13 `match` takes `**` for one folder."""
    return pattern.endswith("/**/*") and file.is_relative_to(pattern.removesuffix("/**/*"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
