#!/usr/bin/env python3
"""Bundle and sign service pings on a machine without network, with Python 3.8 or newer and nothing else.

Three steps, of which the first is done once:

    python3 stageboard_sign.py keygen my.key
        makes a secret key in my.key (keep it; mode 0600) and prints the public key. Give the public key to the
        administrators of the portal, who enter it under Telemetry, signing keys.

    python3 stageboard_sign.py bundle --key my.key --output weeks.zip ping-1.json ping-2.json …
        writes one zip with all the files, a list of their sha256 digests (manifest.json) and a signature over that
        list (manifest.sig). Without --key the bundle is unsigned; it is taken too, and marked.

    python3 stageboard_sign.py verify weeks.zip
        checks a bundle: the signature over the list, and every file against the list.

Then upload weeks.zip at /usage_data/new of the portal. Uploading the same bundle twice changes nothing.
The signature is Ed25519 (RFC 8032), computed below in plain Python; a bundle takes some milliseconds.
"""

import argparse
import binascii
import hashlib
import json
import os
import sys
import zipfile

FORMAT = "stageboard-bundle-1"

# Ed25519 as in RFC 8032, section 6, with points in extended coordinates (X, Y, Z, T), T = XY/Z.
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)


def _add(a, b):
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g = 2 * a[3] * b[3] * D % P
    h = 2 * a[2] * b[2] % P
    x, y, z, t = f - e, h - g, h + g, f + e
    return (x * y % P, z * t % P, y * z % P, x * t % P)


def _times(scalar, point):
    result = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = _add(result, point)
        point = _add(point, point)
        scalar >>= 1
    return result


def _same(a, b):
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def _x_of(y, sign):
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P)
    if not square % P:
        return None if sign else 0
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P:
        return None
    return P - x if (x & 1) != sign else x


_BASE_Y = 4 * pow(5, P - 2, P) % P
_BASE_X = _x_of(_BASE_Y, 0)
BASE = (_BASE_X, _BASE_Y, 1, _BASE_X * _BASE_Y % P)


def _pack(point):
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | ((x & 1) << 255)).to_bytes(32, "little")


def _unpack(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    x = _x_of(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


def _expand(secret):
    digest = hashlib.sha512(secret).digest()
    scalar = int.from_bytes(digest[:32], "little")
    return (scalar & ((1 << 254) - 8)) | (1 << 254), digest[32:]


def public_key(secret):
    """The 32 bytes of the public key of a secret of 32 bytes."""
    return _pack(_times(_expand(secret)[0], BASE))


def sign(secret, message):
    """The 64 bytes of the signature."""
    scalar, prefix = _expand(secret)
    public = _pack(_times(scalar, BASE))
    r = int.from_bytes(hashlib.sha512(prefix + message).digest(), "little") % ORDER
    point = _pack(_times(r, BASE))
    h = int.from_bytes(hashlib.sha512(point + public + message).digest(), "little") % ORDER
    return point + ((r + h * scalar) % ORDER).to_bytes(32, "little")


def is_valid(public, message, signature):
    """Whether the signature fits the message and the public key."""
    if len(public) != 32 or len(signature) != 64:
        return False
    a, r = _unpack(public), _unpack(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= ORDER:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ORDER
    return _same(_times(s, BASE), _add(r, _times(h, a)))


def keygen(path):
    """Make a secret key in a new file; returns the public key as text."""
    secret = os.urandom(32)
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(binascii.hexlify(secret).decode() + "\n")
    return binascii.hexlify(public_key(secret)).decode()


def bundle(files, output, key=None):
    """Write the zip; returns how many files it holds."""
    entries, contents = [], {}
    for path in files:
        with open(path, "rb") as file:
            content = file.read()
        name = os.path.basename(path)
        if name in contents:
            raise ValueError("two files are named %s" % name)
        contents[name] = content
        entries.append({"name": name, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)})
    manifest = json.dumps({"format": FORMAT, "files": entries}, indent=1, sort_keys=True).encode()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", manifest)
        if key:
            with open(key) as file:
                secret = binascii.unhexlify(file.read().strip())
            papers = {
                "format": FORMAT,
                "public_key": binascii.hexlify(public_key(secret)).decode(),
                "signature": binascii.hexlify(sign(secret, manifest)).decode(),
            }
            archive.writestr("manifest.sig", json.dumps(papers))
        for name, content in contents.items():
            archive.writestr("pings/" + name, content)
    return len(contents)


def verify(path):
    """What is wrong with a bundle, as a list of sentences; empty where nothing is."""
    problems = []
    with zipfile.ZipFile(path) as archive:
        manifest = archive.read("manifest.json")
        if "manifest.sig" in archive.namelist():
            papers = json.loads(archive.read("manifest.sig").decode())
            public, signature = (binascii.unhexlify(papers[name]) for name in ("public_key", "signature"))
            if not is_valid(public, manifest, signature):
                problems.append("the signature does not fit the list of contents")
        else:
            problems.append("the bundle is not signed")
        listed = {entry["name"]: entry["sha256"] for entry in json.loads(manifest.decode())["files"]}
        for member in archive.namelist():
            if member.startswith("pings/"):
                name = member[len("pings/") :]
                if listed.pop(name, None) != hashlib.sha256(archive.read(member)).hexdigest():
                    problems.append("%s is not as listed" % name)
        problems.extend("%s is missing" % name for name in listed)
    return problems


def main(arguments=None):
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = parser.add_subparsers(dest="step", required=True)
    one = steps.add_parser("keygen")
    one.add_argument("file")
    two = steps.add_parser("bundle")
    two.add_argument("files", nargs="+")
    two.add_argument("--output", required=True)
    two.add_argument("--key")
    three = steps.add_parser("verify")
    three.add_argument("file")
    options = parser.parse_args(arguments)
    if options.step == "keygen":
        print("public key: " + keygen(options.file))
        return 0
    if options.step == "bundle":
        count = bundle(options.files, options.output, options.key)
        print("%d pings in %s, %s" % (count, options.output, "signed" if options.key else "not signed"))
        return 0
    problems = verify(options.file)
    for problem in problems:
        print(problem)
    print("the bundle is good" if not problems else "the bundle is not good")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
