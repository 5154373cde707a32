"""The relay's interface before two tools of other hands.

1. Requests that http-message-signatures signs are taken, and altered ones are not: our profile is RFC 9421's.
2. schemathesis makes requests from the relay's own OpenAPI document; every answer must be as the document says.
"""

import datetime
import json
import os
import pathlib
import pickle
import subprocess
import sys
import tempfile

import requests
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from signer import Key, Signer

HERE = pathlib.Path(__file__).parent
EXAMPLES = "60"
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance"
)


def main() -> int:
    teleward = os.environ["TELEWARD_BIN"]
    with tempfile.TemporaryDirectory(prefix="teleward-relay-") as scene:
        scene = pathlib.Path(scene)
        words = [teleward, "relay", "--json", "--dir", scene / "relay", "--listen", "127.0.0.1:0"]
        # A flood is another test's business: here one address asks as much as it can.
        words += ["--requests-per-second", "100000", "--burst", "100000"]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as relay:
            try:
                url = json.loads(relay.stdout.readline())["relay"]
                return walk(teleward, scene, url)
            finally:
                relay.terminate()


def walk(teleward: str, scene: pathlib.Path, url: str) -> int:
    root, station, claim, install = Key(), Key(), Key(), Key()
    admit = [teleward, "relay", "tenant", "add", "--dir", scene / "relay", "--name", "outside"]
    subprocess.run([*admit, f"--root={root.public}", f"--auth={station.public}"], check=True)
    wait_for(url, station)

    up, down = os.urandom(16).hex(), os.urandom(16).hex()
    until = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    link = {"v": 1, "up": up, "down": down, "claim": claim.public, "auth": None, "claim_until": until,
            "quota": {"bytes": 1 << 20, "per_day": 500}}
    cases = [
        (201, requests.post(f"{url}/v1/links", json=link, auth=Signer(station))),
        (404, requests.post(f"{url}/v1/links", json=link, auth=Signer(install))),
        (204, requests.post(f"{url}/v1/claim", json={"v": 1, "auth": install.public}, auth=Signer(claim))),
        (409, requests.post(f"{url}/v1/claim", json={"v": 1, "auth": root.public}, auth=Signer(claim))),
        (200, requests.get(f"{url}/v1/links?after=0", auth=Signer(station))),
        (200, requests.get(f"{url}/v1/links", auth=Signer(station))),
        (404, altered(url, station)),
        (404, requests.get(f"{url}/v1/links?after=0")),
    ]
    wrong = [(wanted, got.status_code, got.request.url) for wanted, got in cases if wanted != got.status_code]
    print(f"{len(cases) - len(wrong)} of {len(cases)} requests signed by another hand were answered as they must be")
    for line in wrong:
        print("wanted, got, where:", line)

    (scene / "station.pem").write_bytes(
        station.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    (scene / "station.pickle").write_bytes(pickle.dumps({"public": station.public, "kid": station.kid}))
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(HERE), "RELAY_SCENE": str(scene),
                   "RELAY_UP": up, "PYTHONHASHSEED": "0"}
    outside = [pathlib.Path(sys.executable).parent / "schemathesis", "run", f"{url}/openapi.json", "--url", url]
    outside += ["--checks", CHECKS, "--max-examples", EXAMPLES, "--phases", "coverage,fuzzing", "--no-color", "--warnings", "off"]
    done = subprocess.run(outside, env=environment, cwd=scene)
    return 1 if wrong or done.returncode else 0


def wait_for(url: str, station: Key) -> None:
    """The running relay looks for new clinics twice a second."""
    end = datetime.datetime.now() + datetime.timedelta(seconds=20)
    while requests.get(f"{url}/v1/links", auth=Signer(station)).status_code != 200:
        if datetime.datetime.now() > end:
            raise SystemExit("the relay did not take the clinic in")


def altered(url: str, station: Key) -> requests.Response:
    """Signed for one query, sent with another."""
    request = Signer(station)(requests.Request("GET", f"{url}/v1/links?after=0").prepare())
    request.url = f"{url}/v1/links?after=1"
    return requests.Session().send(request)


if __name__ == "__main__":
    sys.exit(main())
