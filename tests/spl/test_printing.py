"""What is printed parses back to the same tree, for generated SPL and for real searches."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harness.apps import load_apps
from harness.content import load_content
from harness.engines.knowledge import Knowledge
from harness.errors import HarnessError
from harness.model.documents import read_document
from harness.spl.expressions import (
    Call,
    Expression,
    ExpressionParser,
    FieldName,
    Number,
    Operation,
    Text,
    parse_expression,
)
from harness.spl.lexer import tokens
from harness.spl.macros import expand
from harness.spl.pipeline import Pipeline, Stage, parse_pipeline
from harness.spl.predicates import (
    Both,
    Comparison,
    Either,
    Everything,
    Membership,
    Negation,
    Predicate,
    Subsearch,
    Term,
    parse_predicate,
)
from harness.spl.printing import (
    RESERVED,
    expression_text,
    pipeline_text,
    predicate_text,
    stage_text,
    string_text,
)
from harness.spl.source import Source, Span, SplText

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIXED = settings(max_examples=150, derandomize=True, database=None, deadline=None)

TEXTS = st.text(st.sampled_from("a1 \\\"'*%_()[]|,=<>.-é\n\t\0`"), max_size=8) | st.text(max_size=6)
WORDS = st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True)
NAMES = WORDS.filter(lambda name: name not in RESERVED)
QUOTED = st.text(st.sampled_from('a .-"é%|'), min_size=1, max_size=6) | st.sampled_from(
    ["a\\'b", "\\\\", "x\\", '\\"', "a\\\\\\'b"]
)
NUMBERS = st.sampled_from(["0", "7", "1.50", ".5", "1e3", "2.5e-3", "-4", "--4"]).map(
    lambda spelling: Number(
        float(spelling.replace("--", "")) if spelling[:2] == "--" else float(spelling), spelling
    )
)
LEAVES: st.SearchStrategy[Expression] = (
    NUMBERS
    | TEXTS.map(Text)
    | NAMES.map(FieldName)
    | QUOTED.map(lambda name: FieldName(name, quoted=True))
)
OPERATORS = st.sampled_from("and or xor = != < <= > >= like . + - * / %".split())


def _compound(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    return (
        st.builds(lambda name, a, b: Operation(name, (a, b)), OPERATORS, inner, inner)
        | inner.map(lambda one: Operation("not", (one,)))
        | inner.filter(lambda one: not isinstance(one, Number)).map(
            lambda one: Operation("negate", (one,))
        )
        | st.builds(
            lambda one, more: Operation("in", (one, *more)), inner, st.lists(inner, max_size=3)
        )
        | st.builds(lambda name, more: Call(name, tuple(more)), NAMES, st.lists(inner, max_size=3))
    )


EXPRESSIONS = st.recursive(LEAVES, _compound, max_leaves=12)

VALUES = st.sampled_from(["*", "a*b", "10.0.0.0/8", "AND", "in", "TERM", "-5", ""]) | TEXTS | WORDS
FIELDS = VALUES.filter(bool)
ATOMS: st.SearchStrategy[Predicate] = (
    st.just(Everything())
    | st.builds(Comparison, FIELDS, st.sampled_from("= != < <= > >=".split()), VALUES)
    | st.builds(Membership, FIELDS, st.lists(VALUES, min_size=1, max_size=3).map(tuple))
    | VALUES.map(Term)
    | VALUES.map(lambda value: Term(value, exact_case=True))
    | VALUES.map(lambda value: Term(value, whole=True))
)
PREDICATES = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: Both(tuple(parts)))
        | st.lists(inner, min_size=2, max_size=3).map(lambda parts: Either(tuple(parts)))
        | inner.map(Negation)
    ),
    max_leaves=8,
)

RAW = TEXTS.filter(lambda text: "`" not in text)
PIECES = (
    WORDS
    | RAW.map(string_text)
    | st.sampled_from(["a=b", "x!=1", "f(y)", "'a b'", ",", ">=", "a\\|b", "it's", "(", ")"])
)
BODIES = st.lists(st.tuples(PIECES, st.sampled_from([" ", "  ", "\n", ""])), max_size=6).map(
    lambda pieces: "".join(piece + space for piece, space in pieces)
)


def _begun(search: str) -> str:
    """A search that may stand in brackets: it begins with a command."""
    return search if search.lstrip().startswith("|") else f"search {search}"


STAGES = st.builds(lambda name, body: f"{name} {body}", WORDS, BODIES)
SEARCHES = st.recursive(
    st.builds(
        lambda begin, stages: begin + "".join(f" |{one}" for one in stages),
        st.just("") | BODIES.filter(lambda body: bool(body.strip())) | st.just("search x"),
        st.lists(STAGES, min_size=1, max_size=3),
    ),
    lambda inner: st.builds(lambda outer, sub: f"{outer} | join k [{_begun(sub)}] z", inner, inner),
    max_leaves=3,
)


@FIXED
@given(EXPRESSIONS)
@example(Operation(".", (FieldName("a"), Operation("in", (FieldName("b"), Text("c"))))))
@example(Operation("=", (Operation("not", (FieldName("a"),)), Text("\\"))))
def test_generated_expressions(expression: Expression) -> None:
    printed = expression_text(expression)
    assert parse_expression(SplText.of(Source(printed))) == expression


@FIXED
@given(PREDICATES)
def test_generated_predicates(predicate: Predicate) -> None:
    printed = predicate_text(predicate)
    assert parse_predicate(SplText.of(Source(printed))) == predicate


def comparable(pipeline: Pipeline) -> list[Any]:
    """A pipeline without the places of its parts."""
    return [(stage.name, token_values(stage.text, stage.span)) for stage in pipeline.stages]


def token_values(text: SplText, span: Span) -> list[Any]:
    found: list[Any] = []
    for number, token in enumerate(tokens(text, span)):
        value: Any = token.value
        if token.kind == "subsearch":
            try:
                inner = Span(token.span.start + 1, token.span.end - 1)
                value = comparable(parse_pipeline(text, inner))
            except HarnessError:
                value = token.value
        found.append((token.kind, value, bool(number) and token.spaced))
    return found


@FIXED
@given(SEARCHES)
def test_generated_pipelines(search: str) -> None:
    try:
        pipeline = parse_pipeline(SplText.of(Source(search)))
        before = comparable(pipeline)
    except HarnessError:
        return
    printed = pipeline_text(pipeline)
    again = parse_pipeline(SplText.of(Source(printed)))
    assert comparable(again) == before
    assert pipeline_text(again) == printed


@pytest.mark.parametrize(
    ("written", "printed"),
    {
        "((a)) + (b*c)": "a + b * c",
        "(a+b)*c": "(a + b) * c",
        "a-(b-c)-d": "a - (b - c) - d",
        "not (a=1 and b=2)": "NOT (a = 1 AND b = 2)",
        "(not a=1) and (b=2 or c=3)": "NOT a = 1 AND (b = 2 OR c = 3)",
        'x not in(1,"a")': 'NOT x IN (1, "a")',
        "1 + x NOT IN (3)": "NOT 1 + x IN (3)",
        "-(a . b)": "-(a . b)",
        '"C:\\\\Temp\\\\" . \'User Name\'': '"C:\\Temp\\\\" . \'User Name\'',
        r'match(x, "^\d+\\\\\"")': r'match(x, "^\d+\\\\\"")',
    }.items(),
)  # fmt: skip
def test_an_expression_is_printed_with_no_more_than_it_needs(written: str, printed: str) -> None:
    assert expression_text(parse_expression(SplText.of(Source(written)))) == printed


@pytest.mark.parametrize(
    ("written", "printed"),
    {
        "(a=1 OR b=2) c=3": "a=1 OR b=2 c=3",
        "a=1 OR (b=2 c=3)": "a=1 OR (b=2 c=3)",
        "a=1 AND NOT (b=2)": "a=1 NOT b=2",
        'NOT (a="x" b=y) "two words"': 'NOT (a=x b=y) "two words"',
        'f in("a b",c*)': 'f IN ("a b", c*)',
        'p="*\\\\Temp\\\\*"': 'p="*\\Temp\\*"',
        'TERM(10.0.0.1) "OR"': 'TERM(10.0.0.1) "OR"',
    }.items(),
)  # fmt: skip
def test_a_predicate_is_printed_with_no_more_than_it_needs(written: str, printed: str) -> None:
    assert predicate_text(parse_predicate(SplText.of(Source(written)))) == printed


@pytest.mark.parametrize(
    ("written", "printed"),
    {
        "index=x   |stats  count BY\n a": "index=x | stats count BY a",
        "| search  [ search a=1|fields  b ]": "search [search a=1 | fields b]",
        "|tstats count": "| tstats count",
        "search a": "search a",
        "search\ta": "search a",
        "| rex (?<y>[^|]+) field=x": "| rex (?<y>[^|]+) field=x",
    }.items(),
)
def test_a_pipeline_is_printed_on_one_line(written: str, printed: str) -> None:
    assert pipeline_text(parse_pipeline(SplText.of(Source(written)))) == printed


def test_subsearches_of_a_predicate_are_printed_from_their_text() -> None:
    text = SplText.of(Source("a=1 NOT [search  b=2|fields c]"))
    predicate = parse_predicate(text)
    assert predicate_text(predicate, text) == "a=1 NOT [search b=2 | fields c]"
    with pytest.raises(ValueError, match="subsearch"):
        predicate_text(predicate)


def test_a_field_that_no_expression_can_name_is_an_error() -> None:
    with pytest.raises(ValueError, match="no expression can name"):
        expression_text(FieldName("it's", quoted=True))


def corpus_searches(corpus: Path) -> Iterator[tuple[str, str]]:
    for path in sorted((corpus / "security_content" / "detections").rglob("*.yml")):
        search = read_document(path).data.get("search")
        if isinstance(search, str):
            yield path.name, search
    cases = json.loads((corpus / "sigma_regression" / "cases.json").read_text("utf-8"))
    for number, case in enumerate(cases):
        for key in ("spl", "spl_datamodel"):
            if case.get(key):
                yield f"sigma {number} {key}", case[key]


def test_real_searches(corpus: Path) -> None:
    content = load_content(corpus / "security_content")
    knowledge = Knowledge(load_apps(), content.macros, content.lookups)
    searches = stages = 0
    for name, search in corpus_searches(corpus):
        try:
            pipeline = parse_pipeline(expand(Source(search.strip()), knowledge))
        except HarnessError:
            continue
        printed = pipeline_text(pipeline)
        again = parse_pipeline(SplText.of(Source(printed)))
        assert comparable(again) == comparable(pipeline), name
        searches += 1
        for stage in pipeline.stages:
            stages += check_stage(stage)
    assert searches > 1300
    assert stages > 2000


def check_stage(stage: Stage) -> bool:
    """The predicate, condition or assignments of a stage, printed and parsed back."""
    if stage.name == "search":
        try:
            predicate = parse_predicate(stage.text, stage.span)
        except HarnessError:
            return False
        text = SplText.of(Source(predicate_text(predicate, stage.text)))
        assert without_spans(parse_predicate(text), text) == without_spans(predicate, stage.text)
        return True
    if stage.name in ("eval", "where"):
        parser = ExpressionParser(stage.text, stage.span)
        while True:
            try:
                expression = parser.expression()
            except HarnessError:
                return False
            again = parse_expression(SplText.of(Source(expression_text(expression))))
            assert again == expression
            if not parser.accept(","):
                return True
    return False


def without_spans(predicate: Predicate, text: SplText) -> Any:
    """A predicate with its subsearches as what they hold."""
    if isinstance(predicate, Subsearch):
        span = Span(predicate.span.start + 1, predicate.span.end - 1)
        return comparable(parse_pipeline(text, span))
    if isinstance(predicate, Both | Either):
        return type(predicate), [without_spans(part, text) for part in predicate.parts]
    if isinstance(predicate, Negation):
        return Negation, without_spans(predicate.part, text)
    return predicate


def test_a_stage_is_printed_without_a_pipe() -> None:
    pipeline = parse_pipeline(SplText.of(Source("x | head  5")))
    assert [stage_text(stage) for stage in pipeline.stages] == ["search x", "head 5"]
