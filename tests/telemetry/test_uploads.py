"""Offline: look first, then store; signed bundles; resumable and idempotent."""

from __future__ import annotations

import importlib.util
import io
import json
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.models import Ping, SigningKey, Upload, UploadItem
from telemetry.verbs import uploads
from tests.builders import a_user
from tests.conftest import Clock
from tests.telemetry.builders import NOW, a_body, a_ping, an_indicator

TOOL = Path(__file__).parents[2] / "telemetry/static/telemetry/stageboard_sign.py"


def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("stageboard_sign", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def week(number: int, **values: Any) -> bytes:
    return a_body(recorded_at=f"2026-{number:02}-05T10:00:00Z", **values)


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(a_user("", "reviewer"))
    return client


def upload(client: Client, *files: tuple[str, bytes]) -> Any:
    sent = [SimpleUploadedFile(name, content) for name, content in files]
    return client.post("/usage_data/new", {"files": sent}, follow=True)


@settings(max_examples=10)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200))
def test_the_tools_signature_is_the_one_of_a_known_library(secret: bytes, message: bytes) -> None:
    sign = tool()
    known = Ed25519PrivateKey.from_private_bytes(secret)
    public = known.public_key().public_bytes_raw()
    assert sign.public_key(secret) == public
    signature = sign.sign(secret, message)
    assert signature == known.sign(message)
    assert sign.is_valid(public, message, signature)
    assert not sign.is_valid(public, message + b"x", signature)
    assert not sign.is_valid(public, message, bytes([signature[0] ^ 1]) + signature[1:])


@pytest.mark.django_db
def test_files_are_shown_before_anything_is_stored(client: Client, clock: Clock) -> None:
    clock.at(NOW)
    an_indicator()
    page = upload(
        client,
        ("1.json", week(9, licensee={"Name": "Ann"})),
        ("2.ndjson", week(10) + b"\n" + week(11)),
        ("x.json", b"{"),
    )
    assert "Store 3 pings" in page.content.decode()
    assert "Sep 2026" in page.content.decode()
    assert not Ping.objects.exists()
    assert UploadItem.objects.filter(state="refused").count() == 1
    for item in UploadItem.objects.exclude(body=None):
        from telemetry.accepting import decompress

        assert b"Ann" not in decompress(bytes(item.body or b""))
    made = Upload.objects.get()
    client.post(f"/telemetry/uploads/{made.pk}/store/")
    assert Ping.objects.filter(channel="upload", state="read").count() == 3
    again = upload(client, ("1.json", week(9)))
    assert "known already" in again.content.decode()


@pytest.mark.django_db
def test_storing_goes_on_where_it_stopped_and_stores_nothing_twice(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(client, ("all.ndjson", b"\n".join(week(number) for number in range(1, 11))))
    made = Upload.objects.get()
    monkeypatch.setattr(uploads, "CHUNK", 4)
    assert uploads.store_upload(upload=made, for_seconds=0, trusted=True) == 6
    assert Ping.objects.count() == 4
    assert uploads.store_upload(upload=made, trusted=True) == 0
    assert uploads.store_upload(upload=made, trusted=True) == 0
    assert Ping.objects.count() == 10
    assert not UploadItem.objects.exclude(body=None).exists()


def a_bundle(folder: Path, *, signed: bool = True) -> tuple[bytes, str]:
    sign = tool()
    paths = []
    for number in (9, 10):
        path = folder / f"{number}.json"
        path.write_bytes(week(number))
        paths.append(str(path))
    public = sign.keygen(str(folder / "my.key"))
    sign.bundle(paths, str(folder / "weeks.zip"), str(folder / "my.key") if signed else None)
    return (folder / "weeks.zip").read_bytes(), public


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("signed", "known", "spoilt", "state", "proof"),
    [
        (True, True, False, "valid", "signature"),
        (True, False, False, "unknown", ""),
        (False, True, False, "unsigned", ""),
        (True, True, True, "invalid", "bad_signature"),
    ],
)
def test_a_bundle_says_what_its_signature_is_worth(
    client: Client, clock: Clock, tmp_path: Path, signed: bool, known: bool, spoilt: bool, state: str, proof: str
) -> None:
    clock.at(NOW)
    data, public = a_bundle(tmp_path, signed=signed)
    if known:
        SigningKey.objects.create(label="Air-gapped", public_key=public)
    if spoilt:
        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
            for name in old.namelist():
                content = old.read(name)
                new.writestr(name, content.replace(b'"users": 120', b"") + b" " if name == "manifest.json" else content)
        data = out.getvalue()
    upload(client, ("weeks.zip", data))
    made = Upload.objects.get()
    assert set(made.items.values_list("signature", flat=True)) == {state}
    preview = client.get(f"/telemetry/uploads/{made.pk}/").content.decode()
    assert ("signed with a key that is not known here" in preview) == (state == "unknown")
    uploads.store_upload(upload=made)
    assert set(Ping.objects.values_list("proof", flat=True)) == {proof}
    assert Ping.objects.filter(state="quarantined").count() == (2 if spoilt else 0)


@pytest.mark.django_db
def test_the_tool_verifies_its_own_bundles(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a_bundle(tmp_path)
    assert tool().main(["verify", str(tmp_path / "weeks.zip")]) == 0
    assert "is good" in capsys.readouterr().out
    a_bundle_folder = tmp_path / "other"
    a_bundle_folder.mkdir()
    a_bundle(a_bundle_folder, signed=False)
    assert tool().main(["verify", str(a_bundle_folder / "weeks.zip")]) == 1


@pytest.mark.django_db
def test_too_much_at_once_is_refused_without_touching_the_disk(client: Client, options: Any) -> None:
    options(max_batch=2_000)
    page = client.post("/usage_data/new", {"files": [SimpleUploadedFile("big.json", b" " * 200_000)]})
    assert page.status_code == 400
    assert "send fewer files" in page.content.decode()


@pytest.mark.django_db
def test_the_form_is_guarded_against_other_sites() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(a_user())
    assert client.post("/usage_data/new", {"files": [SimpleUploadedFile("a.json", b"{}")]}).status_code == 403


@pytest.mark.django_db
def test_an_upload_is_its_owners_and_the_reviewers(client: Client) -> None:
    upload(client, ("1.json", week(9)))
    other = Client()
    other.force_login(a_user())
    assert other.get(f"/telemetry/uploads/{Upload.objects.get().pk}/").status_code == 404


def test_a_manifest_names_every_file(tmp_path: Path) -> None:
    data, _public = a_bundle(tmp_path)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        listed = json.loads(archive.read("manifest.json"))
    assert [entry["name"] for entry in listed["files"]] == ["9.json", "10.json"]


@pytest.mark.django_db
def test_another_body_of_a_stored_report_is_told_in_the_preview_and_noted_when_storing() -> None:
    stored = a_ping()
    preview = uploads.preview_upload(sources=[("other.json", a_body(users=7)), ("same.json", a_body())], by=None)
    sentences = dict(preview.items.values_list("name", "sentence"))
    assert "with other content; the first one stands" in sentences["other.json"]
    assert "other content" not in sentences["same.json"]
    stored.refresh_from_db()
    assert not stored.other_body
    uploads.store_upload(upload=preview)
    stored.refresh_from_db()
    assert stored.other_body


@pytest.mark.django_db
def test_an_uploaded_ping_has_the_edition_that_its_body_names() -> None:
    an_indicator()
    upload = uploads.preview_upload(sources=[("one.json", a_body(edition="EEP"))], by=None)
    uploads.store_upload(upload=upload)
    assert Ping.objects.get().edition == "EEP"
