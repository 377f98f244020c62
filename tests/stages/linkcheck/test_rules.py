"""What an answer says of a link, and which addresses are never asked."""

import pytest

from stages.linkcheck.rules import Answer, is_public, refusal, verdict


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
        ("nonsense", False),
    ],
)
def test_only_the_public_internet_is_asked(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    "url", ["ftp://x.example/", "https://a:b@x.example/", "http://x.example:22/", "http:///x", "http://[", "file:///x"]
)
def test_odd_addresses_are_not_asked(url: str) -> None:
    assert refusal(url)


@pytest.mark.parametrize(
    ("answer", "final", "state"),
    [
        (Answer(status=200), "https://x.example/a", "ok"),
        (Answer(status=200), "http://www.x.example/a/", "ok"),
        (Answer(status=200), "https://y.example/b", "moved"),
        (Answer(status=200), "https://x.example/users/sign_in", "restricted"),
        (Answer(status=404), "https://x.example/a", "dead"),
        (Answer(status=410), "https://x.example/a", "dead"),
        (Answer(status=403), "https://x.example/a", "restricted"),
        (Answer(status=429), "https://x.example/a", "unreachable"),
        (Answer(status=503), "https://x.example/a", "unreachable"),
        (Answer(status=302), "https://x.example/a", "unreachable"),
        (Answer(error="its name is not known here"), "https://x.example/a", "unreachable"),
        (Answer(refused="private"), "https://x.example/a", "refused"),
    ],
)
def test_unreachable_is_not_dead(answer: Answer, final: str, state: str) -> None:
    found = verdict("https://x.example/a", answer, final)
    assert found.state == state
    assert found.sentence
