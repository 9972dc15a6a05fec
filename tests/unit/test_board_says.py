"""Every sentence that a template asks for by its name is known to the page that it is made for: looked up without making a page."""

import ast
import importlib
import inspect
import pkgutil
import string
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

import pytest
from jinja2 import Environment, FileSystemLoader, meta, nodes

import reelqueue.dashboard
from reelqueue.dashboard.pages import project_words
from reelqueue.dashboard.words import WORDS
from reelqueue.wording import Text

TEMPLATES = Path(reelqueue.dashboard.__file__).parent / "templates"
ENVIRONMENT = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
OF_THE_PAGE, OF_ALL = {"say", "told"}, {"word"}
"""What looks a name up among the page's own sentences and everybody's, and what does so among everybody's alone."""
Words = Mapping[str, Text]


def modules() -> Iterator[ModuleType]:
    """Every module of the board."""
    for found in pkgutil.walk_packages(reelqueue.dashboard.__path__, "reelqueue.dashboard."):
        yield importlib.import_module(found.name)


def made() -> Iterator[tuple[str, Words]]:
    """Every template that a page is made of, and the page's own sentences, as the call that makes it has them."""
    for module in modules():
        for call in ast.walk(ast.parse(inspect.getsource(module))):
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
                continue
            says = next((word.value for word in call.keywords if word.arg == "says"), None)
            own = eval(compile(ast.Expression(says), "says", "eval"), vars(module)) if is_plain(says) else {}
            match call.func.id, call.args:
                case "page" | "bare", [_, ast.Constant(value=str(name)), *_]:
                    yield name, own
                case "project_page", [_, _, ast.Constant(value=str(tab)), *_]:
                    yield f"project_{tab}.html" if tab else "project.html", project_words.SAYS | own


def is_plain(says: ast.expr | None) -> bool:
    """Whether it is made of names of the module alone."""
    return says is not None and all(
        isinstance(one, ast.Name | ast.Attribute | ast.BinOp | ast.BitOr | ast.Load | ast.Dict) for one in ast.walk(says)
    )


def whole(template: str) -> dict[str, nodes.Template]:
    """A template and all that it extends, includes and imports; the macros that every page has, too."""
    found: dict[str, nodes.Template] = {}
    waiting = [template]
    while waiting:
        name = waiting.pop()
        if name in found or not (TEMPLATES / name).is_file():
            continue
        found[name] = ENVIRONMENT.parse((TEMPLATES / name).read_text(encoding="utf-8"))
        waiting += [one for one in meta.find_referenced_templates(found[name]) if one is not None]
    return found


def asked(tree: nodes.Template, by: set[str]) -> Iterator[tuple[int, str]]:
    """The names that stand written in a template, each with its line; those that are put together are not among them."""
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in by and call.args:
            yield from ((call.lineno, name) for name in constants(call.args[0]))


def constants(node: nodes.Expr) -> Iterator[str]:
    match node:
        case nodes.Const(value=str(name)):
            yield name
        case nodes.CondExpr():
            yield from constants(node.expr1)
            yield from constants(node.expr2) if node.expr2 is not None else ()


PAGES = list(made())


def test_pages_are_found_in_the_source():
    assert {"projects.html", "project.html", "project_script.html", "workers.html"} <= {name for name, _ in PAGES}


@pytest.mark.parametrize(("template", "own"), PAGES, ids=[name for name, _ in PAGES])
def test_every_sentence_that_a_page_asks_for_is_known_to_it(template, own):
    known = WORDS.keys() | own.keys()

    missing = [
        f"{name}:{line} {word}"
        for name, tree in whole(template).items()
        for line, word in asked(tree, OF_THE_PAGE)
        if word not in known
    ]

    assert missing == []


@pytest.mark.parametrize("template", sorted(path.name for path in TEMPLATES.glob("*.html")))
def test_every_word_that_all_pages_share_is_known(template):
    tree = ENVIRONMENT.parse((TEMPLATES / template).read_text(encoding="utf-8"))

    assert [f"{line} {word}" for line, word in asked(tree, OF_ALL) if word not in WORDS] == []


def sentences() -> Iterator[tuple[str, Text]]:
    """Every sentence that a page has by name."""
    for module in modules():
        for table, value in vars(module).items():
            if isinstance(value, Mapping) and ("SAYS" in table or table == "WORDS"):
                yield from ((f"{module.__name__}.{table}[{name!r}]", one) for name, one in value.items() if isinstance(one, Text))


def test_every_sentence_is_written_in_both_languages_with_the_same_parts():
    wrong = [name for name, text in sentences() if not text.zh or not text.en or parts(text.zh) != parts(text.en)]

    assert wrong == []


def parts(sentence: str) -> set[str]:
    """What is filled into it."""
    return {field for _, field, _, _ in string.Formatter().parse(sentence) if field}
