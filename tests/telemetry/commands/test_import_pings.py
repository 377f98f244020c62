"""``import_pings``: files of all kinds, in this process, with exit codes that scripts can rely on."""

from __future__ import annotations

import gzip
import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from metrics.models.facts import Report
from telemetry import importing
from telemetry.models import Ping
from tests.telemetry.builders import a_body, a_payload, an_indicator

pytestmark = pytest.mark.django_db


def run(*paths: Path | str, **options: bool) -> tuple[int, dict[str, Any]]:
    out = io.StringIO()
    code = 0
    try:
        call_command("import_pings", *map(str, paths), **options, json=True, stdout=out, stderr=io.StringIO())
    except SystemExit as error:
        code = int(error.code or 0)
    return code, json.loads(out.getvalue())


def weeks(count: int) -> list[bytes]:
    return [a_body(recorded_at=f"2026-{month:02}-03T10:00:00Z") for month in range(1, count + 1)]


def test_json_ndjson_gzip_and_zip_of_many_weeks(tmp_path: Path) -> None:
    an_indicator()
    bodies = weeks(8)
    (tmp_path / "a.json").write_text(json.dumps(json.loads(bodies[0]), indent=2))
    (tmp_path / "b.ndjson").write_bytes(bodies[1] + b"\n\n" + bodies[2] + b"\n")
    (tmp_path / "c.json.gz").write_bytes(gzip.compress(bodies[3]))
    (tmp_path / "d.jsonl.gz").write_bytes(gzip.compress(b"\n".join(bodies[4:6])))
    with zipfile.ZipFile(tmp_path / "e.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("weeks/1.json", bodies[6])
        archive.writestr("weeks/2.json.gz", gzip.compress(bodies[7]))
    (tmp_path / "notes.txt").write_text("not a ping")
    code, answer = run(tmp_path)
    assert code == 0
    assert (answer["accepted"], answer["refused"], answer["skipped_files"]) == (8, 0, ["notes.txt"])
    assert Report.objects.count() == 8


def test_importing_twice_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "p.json"
    file.write_bytes(a_body())
    first, again = run(file), run(file)
    assert first[1]["accepted"] == again[1]["duplicates"] == 1
    assert again[0] == 0
    assert Ping.objects.count() == Report.objects.count() == 1


def test_trusted_skips_quarantine(tmp_path: Path, shared_data: Path) -> None:
    file = shared_data / "service_ping/payloads/service_ping_12.10.0-pre_docs_current.json"
    assert run(file)[1]["quarantined"] == 1
    other = tmp_path / "p.json"
    other.write_bytes(file.read_bytes().replace(b"example.com", b"other.example"))
    assert run(other, trusted=True)[1]["read"] == 1


def test_bad_files_are_named_and_cost_no_other(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_bytes(b"{")
    (tmp_path / "bad.json.gz").write_bytes(b"\x1f\x8bnothing")
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04nothing")
    (tmp_path / "good.json").write_bytes(a_body())
    code, answer = run(tmp_path)
    assert code == 1
    assert (answer["accepted"], answer["refused"]) == (1, 3)
    for result in answer["results"]:
        assert result["detail"] if result["status"] == "refused" else result["id"]


def test_leaves_that_are_wrong_are_no_failure(tmp_path: Path) -> None:
    an_indicator()
    file = tmp_path / "p.json"
    file.write_bytes(json.dumps({**a_payload(users="many"), "unknown": -1}).encode())
    assert run(file)[0] == 0


def test_a_path_that_is_not_there_is_named() -> None:
    with pytest.raises(CommandError, match="nowhere"):
        call_command("import_pings", "nowhere.json")


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(a_body())))
    assert run("-")[1]["accepted"] == 1


def test_exports_are_refused_by_name(shared_data: Path) -> None:
    code, answer = run(shared_data / "service_ping/payloads")
    assert code == 1
    sentences = {result["name"]: result["detail"] for result in answer["results"]}
    assert "SQL export" in sentences["queries_13.11.0-pre_docs.json"]
    assert "non-SQL export" in sentences["non_sql_metrics_13.11.0-pre_docs.json"]
    assert (answer["accepted"], answer["duplicates"]) == (1, 1)


def test_another_body_of_the_same_report_is_an_issue_on_the_first(tmp_path: Path) -> None:
    first, other = tmp_path / "first.json", tmp_path / "other.json"
    first.write_bytes(a_body())
    other.write_bytes(a_body(users=7))
    stored = run(first)[1]["results"][0]["id"]
    code, answer = run(other)
    assert (code, answer["duplicates"], answer["other_bodies"]) == (0, 1, 1)
    result = answer["results"][0]
    assert (result["id"], result["status"], result["other_body"]) == (stored, "duplicate", True)
    assert "other content" in result["detail"]
    assert run(first)[1]["other_bodies"] == 0
    ping = Ping.objects.get()
    assert ping.told[0].sentence == "A later body for the same report differed; the first one stands."
    assert ping.told_counts["other_body"] == 1


def test_a_dry_run_says_for_each_file_what_would_be_stored_and_stores_nothing(tmp_path: Path) -> None:
    an_indicator()
    (tmp_path / "0.json").write_bytes(a_body())
    run(tmp_path)
    (tmp_path / "1.json").write_bytes(a_body(users=7))
    (tmp_path / "2.json").write_bytes(a_body(hostname="new.example.com", licensee={"Name": "Ann"}, strange=1))
    (tmp_path / "3.json").write_bytes(a_body(hostname="new.example.com", users=8))
    (tmp_path / "4.json").write_bytes(b"{")
    code, answer = run(tmp_path, dry_run=True)
    assert code == 1
    counts = [answer[name] for name in ("dry_run", "new", "duplicates", "other_bodies", "refused")]
    assert counts == [True, 1, 3, 2, 1]
    told = {result["name"]: result for result in answer["results"]}
    statuses = [told[f"{number}.json"]["status"] for number in range(5)]
    assert statuses == ["duplicate", "duplicate", "new", "duplicate", "refused"]
    fresh = told["2.json"]
    assert (fresh["hostname"], fresh["values_ok"], fresh["cut"]) == ("new.example.com", 1, ["licensee.Name"])
    assert fresh["unknown_keys"] >= 1
    assert "other content" in told["1.json"]["detail"]
    assert Ping.objects.count() == Report.objects.count() == 1
    out = io.StringIO()
    call_command("import_pings", str(tmp_path / "2.json"), dry_run=True, stdout=out)
    assert "2.json: new, new.example.com at" in out.getvalue()
    assert "Nothing was stored. 1 would be" in out.getvalue()


@pytest.mark.django_db(transaction=True)
def test_two_imports_store_in_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Side by side, with a new month each, they would wait for each other."""
    params = connection.get_connection_params()
    words = {key: params[key] for key in ("dbname", "user", "password", "host", "port") if params.get(key)}
    (tmp_path / "p.json").write_bytes(a_body())
    free: list[bool] = []
    real = importing.store
    with psycopg.connect(**words, autocommit=True) as other:

        def another_asks(*args: Any, **options: Any) -> importing.Result:
            row = other.execute("SELECT pg_try_advisory_xact_lock(hashtext('telemetry_make_partition'))").fetchone()
            free.append(row == (True,))
            return real(*args, **options)

        monkeypatch.setattr(importing, "store", another_asks)
        run(tmp_path)
    assert free == [False]
