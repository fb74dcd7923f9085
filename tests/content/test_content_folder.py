"""Content folders: finding detections, macros and lookups, without reading everything."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.content import (
    AmbiguousDetection,
    ContentFolder,
    MalformedDetection,
    MalformedKnowledge,
    MissingFolder,
    UnknownDetection,
    filter_macro_default,
    load_content,
)

CORPUS = Path(__file__).parents[2].parent / "shared" / "corpus" / "security_content"
needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason="../shared/corpus is not here")

DETECTION = """
name: {name}
id: {id}
type: Hunting
search: index=main
tags: {{security_domain: endpoint}}
"""


@pytest.fixture
def content(tmp_path: Path) -> ContentFolder:
    for folder in ("detections/endpoint", "detections/cloud", "macros", "lookups", "tests/x"):
        (tmp_path / folder).mkdir(parents=True)
    endpoint = tmp_path / "detections/endpoint"
    (endpoint / "odd_child.yml").write_text(DETECTION.format(name="Odd Child", id="id-1"))
    (endpoint / "odd_child.expected.yaml").write_text(
        "alias: odd\ntrials:\n- {dataset: d, expect: {fires: true}}\n"
    )
    (tmp_path / "detections/cloud/key_read.yml").write_text(
        DETECTION.format(name="A Key\n  Read Too Often", id="id-2")
    )
    return load_content(tmp_path)


@pytest.mark.parametrize(
    "query",
    ["odd", "odd_child", "odd_child.yml", "ODD_CHILD", "Odd Child", "odd child", "id-1", "ID-1",
     "detections/endpoint/odd_child.yml", "detections/endpoint/odd_child.expected.yaml"],
)  # fmt: skip
def test_a_detection_is_found(content: ContentFolder, query: str) -> None:
    assert content.find(query) == content.root / "detections/endpoint/odd_child.yml"


def test_a_name_that_is_folded_in_the_file_is_found(content: ContentFolder) -> None:
    assert content.find("A Key Read Too Often").name == "key_read.yml"


def test_only_what_is_asked_for_is_read(content: ContentFolder) -> None:
    broken = content.root / "detections/cloud/broken.yml"
    broken.write_text("name: [\n")
    path = str(content.root / "detections/endpoint/odd_child.yml")
    assert str(content.find(path)) == path
    assert content.find("Odd Child").name == "odd_child.yml"


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ("odd_chld", "did you mean `odd_child`"),
        ("Odd Chld", "did you mean `odd child`"),
        ("od", "did you mean `odd`"),
        ("detections/endpoint/od_child.yml", "did you mean `odd_child.yml`"),
        ("zzz", "detections are read from"),
        ("", "detections are read from"),
        ("a\udc80b", "detections are read from"),
        ("a\0b", "detections are read from"),
    ],
)
def test_an_unknown_detection(content: ContentFolder, query: str, hint: str) -> None:
    with pytest.raises(UnknownDetection) as caught:
        content.find(query)
    assert hint in str(caught.value)
    assert caught.value.exit_code == 2


def test_an_ambiguous_name(content: ContentFolder) -> None:
    other = content.root / "detections/cloud/odd_child.yml"
    other.write_text(DETECTION.format(name="Other", id="id-3"))
    with pytest.raises(AmbiguousDetection, match=r"cloud/odd_child\.yml, .*endpoint/odd_child"):
        content.find("odd_child")


def test_a_malformed_file_that_could_be_it_is_told(content: ContentFolder) -> None:
    (content.root / "detections/cloud/lost.yml").write_text("name: Lost Thing\ntype: TTP\n")
    with pytest.raises(MalformedDetection, match=r"lost\.yml"):
        content.find("Lost Thing")


def test_a_sidecar_without_its_detection(content: ContentFolder) -> None:
    (content.root / "detections/lonely.expected.yaml").write_text("alias: x\ntrials: []\n")
    with pytest.raises(UnknownDetection, match=r"there is no `lonely\.yml` beside"):
        content.find("detections/lonely.expected.yaml")


def test_expectations_and_separate_tests(content: ContentFolder) -> None:
    path = content.find("odd")
    expectations = content.expectations(path)
    assert expectations is not None
    assert expectations.alias == "odd"
    assert content.expectations(content.find("key_read")) is None
    (content.root / "tests/x/odd_child.test.yml").write_text(
        "name: Odd Child Unit Test\ntests:\n- name: Odd Child\n  file: endpoint/odd_child.yml\n"
        "  pass_condition: '| stats count | where count > 0'\n  attack_data:\n"
        "  - {file_name: a.log, data: 'https://example.org/a.log', source: s, sourcetype: t}\n"
    )
    tests = content.separate_tests(path)
    assert tests[0].attack_data[0].data == "https://example.org/a.log"


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(MissingFolder, match="there is no such folder"):
        load_content(tmp_path / "none")
    (tmp_path / "file").write_text("")
    with pytest.raises(MissingFolder, match="is not a folder"):
        load_content(tmp_path / "file")


def test_macros(content: ContentFolder) -> None:
    folder = content.root / "macros"
    (folder / "ctime.yml").write_text(
        "name: ctime\narguments: [field]\ndefinition: convert ctime($field$)\n"
    )
    (folder / "another_file.yml").write_text("name: windows\ndefinition: index=win\n")
    assert content.macros["ctime", 1].arguments == ("field",)
    assert content.macros["windows", 0].definition == "index=win"
    assert str(content.macros["windows", 0].place) == f"{folder / 'another_file.yml'}:2:1"
    assert ("ctime", 0) not in content.macros
    assert set(content.macros) == {("ctime", 1), ("windows", 0)}


def test_a_macro_without_a_definition(content: ContentFolder) -> None:
    (content.root / "macros/m.yml").write_text("name: m\ndefinitoin: x\n")
    with pytest.raises(MalformedKnowledge, match=r"m\.yml:1:1: a macro needs `definition`"):
        _ = content.macros["m", 0]


def test_a_filter_macro_is_the_only_default() -> None:
    macro = filter_macro_default("odd_child_filter")
    assert macro is not None
    assert (macro.definition, macro.arguments) == ("search *", ())
    assert filter_macro_default("odd_child") is None
    assert filter_macro_default("_filter") is None


def test_lookups(content: ContentFolder) -> None:
    folder = content.root / "lookups"
    (folder / "bad_hosts.csv").write_text("host,is_bad\n*.evil.example,true\n")
    (folder / "bad_hosts.yml").write_text(
        "name: bad_hosts\nfilename: bad_hosts.csv\nmatch_type: WILDCARD(host), CIDR(net)\n"
        "case_sensitive_match: 'false'\ndefault_match: 'false'\nmin_matches: 1\nmax_matches: 2\n"
    )
    (folder / "newer.csv").write_text("a,b\n1,2\n")
    (folder / "newer.yml").write_text("name: newer\nlookup_type: csv\ndefault_match: false\n")
    (folder / "store.yml").write_text(
        "name: store\ncollection: store\nfields_list: _key, user, when\n"
    )
    (folder / "model.yml").write_text("name: model\nlookup_type: mlmodel\n")
    (folder / "gone.yml").write_text("name: gone\nfilename: gone.csv\n")
    bad = content.lookups["bad_hosts"]
    assert bad.table == (folder / "bad_hosts.csv").resolve()
    assert bad.match_types == (("wildcard", "host"), ("cidr", "net"))
    assert (bad.case_sensitive, bad.min_matches, bad.max_matches) == (False, 1, 2)
    assert bad.default_match == "false"
    newer = content.lookups["newer"]
    assert newer.table == (folder / "newer.csv").resolve()
    assert (newer.case_sensitive, newer.max_matches, newer.default_match) == (True, 100, "false")
    store = content.lookups["store"]
    assert (store.table, store.unsupported) == (None, None)
    assert store.fields == ("_key", "user", "when")
    assert "machine-learning" in (content.lookups["model"].unsupported or "")
    assert content.lookups["gone"].unsupported == "its file `gone.csv` is not in `lookups/`"
    assert content.lookups["newer.csv"].table == newer.table
    assert set(content.lookups) == {"bad_hosts", "newer", "store", "model", "gone"}


@pytest.mark.parametrize("filename", ["../secret.csv", "/etc/passwd", "link.csv"])
def test_a_lookup_stays_in_its_folder(content: ContentFolder, filename: str) -> None:
    folder = content.root / "lookups"
    (content.root / "secret.csv").write_text("a\n1\n")
    (folder / "link.csv").symlink_to(content.root / "secret.csv")
    assert filename not in load_content(content.root).lookups
    (folder / "leak.yml").write_text(f"name: leak\nfilename: {filename}\n")
    with pytest.raises(MalformedKnowledge, match=r"leak\.yml:2:1: .* lies outside its folder"):
        _ = content.lookups["leak"]


def test_a_match_type_that_is_none(content: ContentFolder) -> None:
    (content.root / "lookups/x.yml").write_text("name: x\nmatch_type: WILDCRD(a)\n")
    with pytest.raises(MalformedKnowledge, match=r"x\.yml:2:1: `WILDCRD\(a\)` is no match type"):
        _ = content.lookups["x"]


@needs_corpus
def test_the_real_macros_and_lookups_are_read() -> None:
    content = load_content(CORPUS)
    assert len(content.macros) == len(list((CORPUS / "macros").glob("*.yml")))
    assert len(content.lookups) == len(list((CORPUS / "lookups").glob("*.yml")))
    for lookup in content.lookups.values():
        kept = (lookup.table is not None) + (lookup.unsupported is not None)
        assert kept <= 1
        if lookup.unsupported:
            assert "machine-learning" in lookup.unsupported
    stem = "certutil_exe_certificate_extraction"
    path = CORPUS / f"detections/endpoint/{stem}.yml"
    for query in (stem, "337a46be-600f-11eb-ae93-0242ac130002", str(path)):
        assert content.find(query) == path
