"""Files to entries: what is read, and how a fault names its place."""

from __future__ import annotations

import pytest

from metrics.definitions.files import Fault, read_bytes


def faults_of(text: str | bytes) -> list[Fault]:
    content = text.encode() if isinstance(text, str) else text
    return read_bytes(content, "metric.yml")[1]


def test_an_unquoted_milestone_stays_the_version_that_was_written() -> None:
    entries, _ = read_bytes(b"key_path: a.b\nmilestone: 14.10\nmilestone_removed: 15.0\n", "metric.yml")
    assert entries[0].fields["milestone"] == "14.10"
    assert entries[0].fields["milestone_removed"] == "15.0"


def test_a_list_of_definitions_is_read_entry_by_entry_with_its_lines() -> None:
    entries, faults = read_bytes(b"- key_path: a\n  status: active\n- key_path: b\n", "all.yml")
    assert [(entry.fields["key_path"], entry.line) for entry in entries] == [("a", 1), ("b", 3)]
    assert entries[0].text == "key_path: a\nstatus: active\n"
    assert faults == []


def test_entries_on_one_line_each_keep_only_their_own_text() -> None:
    entries, _ = read_bytes('[{"key_path": "é"}, {"key_path": "b"}]'.encode(), "all.yml")
    assert [entry.text for entry in entries] == ['{"key_path": "é"}\n', '{"key_path": "b"}\n']


def test_several_documents_in_one_file_are_all_read() -> None:
    entries, _ = read_bytes(b"---\nkey_path: a\n---\nkey_path: b\n", "two.yml")
    assert [entry.fields["key_path"] for entry in entries] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("key_path: a\n  status: [", 2, "not valid YAML"),
        (b"key_path: a\ndescription: caf\xe9\n", 2, "not UTF-8"),
        ("", None, "empty"),
        ("--- \n", None, "empty"),
        ("just words", 1, "expected a definition"),
        ("- 1\n", 1, "expected a definition"),
        ("key_path: a\nkey_path: b\n", 2, "written twice (first on line 1)"),
    ],
)
def test_a_faulty_file_is_named_with_its_line(text: str | bytes, line: int | None, words: str) -> None:
    (fault,) = faults_of(text)
    assert fault.file == "metric.yml"
    assert fault.line == line
    assert words in fault.message


def test_aliases_that_explode_are_refused() -> None:
    rows = ["options:", "  a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    (fault,) = faults_of("key_path: a\n" + "\n".join(rows))
    assert "too many" in fault.message


def test_an_alias_to_itself_is_refused() -> None:
    (fault,) = faults_of("key_path: a\noptions: &o {again: *o}\n")
    assert "too deeply nested" in fault.message


def test_what_the_database_cannot_keep_is_taken_out_of_texts() -> None:
    entries, _ = read_bytes(b'key_path: "a\\0b"\n', "metric.yml")
    assert entries[0].fields == {"key_path": "ab"}
