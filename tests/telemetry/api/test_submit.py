"""The better door: keys, receipts, batches, Idempotency-Key."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from typing import Any

import pytest
import zstandard
from django.test import Client
from django.utils import timezone

from telemetry import worker
from telemetry.models import IngestKey, KeyHolder, Organisation, Ping
from telemetry.verbs.keys import make_ingest_key, revoke_ingest_key, rotate_ingest_key
from tests.conftest import Clock
from tests.telemetry.builders import CREATE, NOW, a_body, a_payload, an_indicator

pytestmark = pytest.mark.django_db
UUID, HOST = a_payload()["uuid"], a_payload()["hostname"]


def a_key(**scope: Any) -> tuple[IngestKey, str]:
    return make_ingest_key(label="test", **(scope or {"uuid": UUID, "hostname": HOST}))


def submit(client: Client, body: bytes, secret: str, content_type: str = "application/json", **headers: str) -> Any:
    return client.post(
        "/api/v1/pings/", body, content_type=content_type, headers={"Authorization": f"Bearer {secret}", **headers}
    )


def get(client: Client, url: str, secret: str) -> Any:
    return client.get(url, headers={"Authorization": f"Bearer {secret}"})


def test_a_ping_with_its_key_gets_a_receipt_that_follows_it(client: Client, clock: Clock) -> None:
    clock.at(NOW)
    an_indicator()
    _key, secret = a_key()
    response = submit(client, a_body(users=-1), secret)
    assert response.status_code == 202
    assert response["Location"] == response.json()["receipt"]
    url = response.json()["receipt"]
    assert get(client, url, secret).json()["state"] == "accepted"
    worker.read_all()
    told = get(client, url, secret).json()
    assert (told["state"], told["proof"]) == ("read", "key")
    assert told["issues"][0]["key"] == CREATE
    assert "not zero" in told["issues"][0]["sentence"]
    assert told["used_in"][0]["month"] == "2026-11"


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer sbt_other", "Bearer sbi_unknown", "Basic sbi_x"])
def test_without_a_key_in_force_nothing_is_taken(client: Client, authorization: str) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    for body in (a_body(), b"no json"):
        response = client.post("/api/v1/pings/", body, content_type="application/json", headers=headers)
        assert response.status_code == 401
        assert response["WWW-Authenticate"]
    assert not Ping.objects.exists()


def test_a_revoked_or_expired_key_is_closed_at_once(client: Client) -> None:
    key, secret = a_key()
    revoke_ingest_key(key=key)
    assert submit(client, a_body(), secret).status_code == 401
    _old, expired = a_key(uuid=UUID, hostname=HOST, expires_at=timezone.now() - timedelta(seconds=1))
    assert submit(client, a_body(), expired).status_code == 401


def test_a_rotated_key_overlaps_with_its_successor(client: Client) -> None:
    key, old = a_key()
    fresh, new = rotate_ingest_key(key=key)
    key.refresh_from_db()
    assert submit(client, a_body(), old).status_code == 202
    assert submit(client, a_body(hostname=HOST, recorded_at="2026-11-19T10:00:00Z"), new).status_code == 202
    assert key.replaced_by == fresh
    rotate_ingest_key(key=fresh, overlap=timedelta(days=-1))
    assert submit(client, a_body(), new).status_code == 401


def test_a_key_is_good_for_its_own_installation_only(client: Client) -> None:
    _key, secret = a_key()
    response = submit(client, a_body(hostname="other.example.com"), secret)
    assert response.status_code == 403
    assert response.json()["code"] == "foreign_installation"


def test_an_organisations_key_is_good_for_its_installations(client: Client) -> None:
    ours = Organisation.objects.create(name="Ours")
    theirs = Organisation.objects.create(name="Theirs")
    _key, secret = a_key(organisation=ours)
    _other, other_secret = a_key(organisation=theirs)
    assert submit(client, a_body(), secret).status_code == 202
    assert submit(client, a_body(hostname="second.example.com"), secret).status_code == 202
    assert submit(client, a_body(recorded_at="2026-11-21T10:00:00Z"), other_secret).status_code == 403
    assert get(client, "/api/v1/pings/", secret).json()["count"] == 2
    assert get(client, "/api/v1/pings/", other_secret).json()["count"] == 0


def test_an_organisations_key_does_not_claim_an_installation_that_has_sent_without_it(client: Client) -> None:
    ours = Organisation.objects.create(name="Ours")
    _key, secret = a_key(organisation=ours)
    assert client.post("/usage_data", a_body(), content_type="application/json").status_code == 201
    later = a_body(recorded_at="2026-11-21T10:00:00Z")
    refused = submit(client, later, secret)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_held")
    assert not KeyHolder.objects.exists()
    # It goes on as before, and nobody's pings have become unverified.
    assert client.post("/usage_data", later, content_type="application/json").status_code == 201
    assert set(Ping.objects.values_list("proof", flat=True)) == {""}
    KeyHolder.objects.create(uuid=a_payload()["uuid"], hostname=HOST, organisation=ours)
    assert submit(client, a_body(recorded_at="2026-11-22T10:00:00Z"), secret).status_code == 202


def test_a_duplicate_with_other_content_says_so(client: Client) -> None:
    _key, secret = a_key()
    first = submit(client, a_body(), secret).json()
    same = submit(client, a_body(), secret).json()
    other = submit(client, a_body(users=7), secret).json()
    assert (same["status"], "other_body" in same) == ("duplicate", False)
    assert (other["id"], other["status"], other["other_body"]) == (first["id"], "duplicate", True)
    assert "other content" in other["detail"]
    batch = submit(client, a_body(users=8), secret, content_type="application/x-ndjson").json()
    assert [(line["status"], line["other_body"]) for line in batch["results"]] == [("duplicate", True)]


def test_a_key_sees_its_own_records_and_nothing_elses(client: Client) -> None:
    _key, secret = a_key()
    _other, other = a_key(uuid="other", hostname="other.example.com")
    submit(client, a_body(), secret)
    foreign = submit(client, a_body(uuid="other", hostname="other.example.com"), other).json()
    rows = get(client, "/api/v1/pings/", secret).json()["results"]
    assert [row["hostname"] for row in rows] == [HOST]
    for url in (foreign["receipt"], foreign["receipt"] + "raw/"):
        assert get(client, url, secret).status_code == 404
        assert get(client, url, other).status_code == 200
        assert client.get(url).status_code in {401, 403}


def test_the_raw_body_comes_back_as_it_was_sent(client: Client) -> None:
    _key, secret = a_key()
    body = a_body(x=[1.50])
    url = submit(client, body, secret).json()["receipt"]
    assert get(client, url + "raw/", secret).content == body


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_compressed_bodies_are_taken(client: Client, encoding: str) -> None:
    _key, secret = a_key()
    pack = gzip.compress if encoding == "gzip" else zstandard.ZstdCompressor().compress
    response = submit(client, pack(a_body()), secret, **{"Content-Encoding": encoding})
    assert response.status_code == 202


def test_a_batch_has_a_result_per_line_and_a_bad_line_costs_no_other(client: Client) -> None:
    _key, secret = a_key()
    lines = [a_body(), b"{", b"", a_body(hostname="foreign"), a_body(), a_body(recorded_at="2026-11-13T10:00:00Z")]
    response = submit(client, b"\n".join(lines), secret, "application/x-ndjson")
    assert response.status_code == 202
    answer = response.json()
    assert [(result["line"], result["status"]) for result in answer["results"]] == [
        (1, "accepted"),
        (2, "refused"),
        (4, "refused"),
        (5, "duplicate"),
        (6, "accepted"),
    ]
    assert (answer["accepted"], answer["duplicate"], answer["refused"]) == (2, 1, 2)


def test_a_batch_of_which_nothing_is_taken_says_so(client: Client) -> None:
    _key, secret = a_key()
    assert submit(client, b"{\n[]\n", secret, "application/x-ndjson").status_code == 422
    assert submit(client, b"\n\n", secret, "application/x-ndjson").status_code == 400


def test_an_idempotency_key_gets_the_same_answer_and_refuses_another_body(client: Client) -> None:
    _key, secret = a_key()
    first = submit(client, a_body(), secret, **{"Idempotency-Key": "week 47"})
    again = submit(client, a_body(), secret, **{"Idempotency-Key": "week 47"})
    other = submit(client, a_body(x=1), secret, **{"Idempotency-Key": "week 47"})
    assert first.json() == again.json()
    assert again["Idempotent-Replayed"] == "true"
    assert other.status_code == 422


@pytest.mark.parametrize(("how", "status", "proof"), [("unverified", 201, "unverified"), ("refuse", 401, None)])
def test_an_anonymous_ping_of_an_installation_with_a_key(
    client: Client, options: Any, how: str, status: int, proof: str | None
) -> None:
    a_key()
    options(keyed_anonymous=how)
    response = client.post("/usage_data", a_body(), content_type="application/json")
    assert response.status_code == status
    if proof:
        worker.read_all()
        ping = Ping.objects.get()
        assert (ping.proof, ping.state) == (proof, Ping.State.QUARANTINED)
        assert "without the ingest key" in ping.held
    else:
        assert not Ping.objects.exists()


def test_people_read_pings_and_receipts_with_their_role(client: Client, django_user_model: Any) -> None:
    _key, secret = a_key()
    submit(client, a_body(), secret)
    client.force_login(django_user_model.objects.create_user("someone", password=None))
    rows = client.get("/api/v1/pings/?state=accepted").json()
    assert rows["count"] == 1
    assert client.get(f"/api/v1/pings/{rows['results'][0]['id']}/").json()["state"] == "accepted"
    assert client.get("/api/v1/pings/?state=failed").json()["count"] == 0


def test_rate_limits_per_key_name_the_time_to_wait(client: Client, options: Any) -> None:
    _key, secret = a_key()
    options(rate_key=1)
    assert submit(client, a_body(), secret).status_code == 202
    response = submit(client, a_body(), secret)
    assert response.status_code == 429
    assert 0 < int(response["Retry-After"]) <= 60


def test_the_text_of_a_key_is_kept_nowhere() -> None:
    key, secret = a_key()
    row = json.dumps([str(value) for value in IngestKey.objects.filter(pk=key.pk).values_list()[0]])
    assert secret not in row
    assert key.prefix == secret[:12]
