"""For schemathesis: every request is signed by the station's key, and half of the ids are ones that exist."""

import os
import pathlib
import pickle

import schemathesis
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from signer import Key, Signer

key = Key.__new__(Key)
state = pathlib.Path(os.environ["RELAY_SCENE"])
key.__dict__ = pickle.loads((state / "station.pickle").read_bytes())
key.private = load_pem_private_key((state / "station.pem").read_bytes(), None)

schemathesis.auth.set_from_requests(Signer(key))


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    known = {"box": os.environ["RELAY_UP"], "up": os.environ["RELAY_UP"]}
    for name, value in known.items():
        if path_parameters and name in path_parameters and hash(str(path_parameters)) % 2:
            path_parameters[name] = value
    return path_parameters


@schemathesis.serializer("application/x-ndjson")
def ndjson(context, value):
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@schemathesis.deserializer("application/jose", "application/x-ndjson")
def as_text(context, response):
    return response.content.decode()
