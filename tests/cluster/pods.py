"""As much of Kubernetes as Snakemake asks for: a job is a process in an empty folder, with nothing of who submitted it.

    python tests/cluster/pods.py PORT FOLDER PATH

What was submitted is in FOLDER/NAME.json, and what it printed in FOLDER/NAME.log.
"""

import json
import subprocess
import sys
from base64 import b64decode
from pathlib import Path

from flask import Flask, jsonify, request

PORT, FOLDER, PATH = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
CORE, BATCH = "/api/v1/namespaces/<namespace>", "/apis/batch/v1/namespaces/<namespace>"
server, secrets, jobs = Flask(__name__), {}, {}


@server.post(f"{CORE}/secrets")
def add_secret(namespace):
    values = request.json["data"].items()
    secrets[request.json["metadata"]["name"]] = {key: b64decode(value).decode() for key, value in values}
    return jsonify(request.json)


@server.post(f"{BATCH}/jobs")
def submit(namespace):
    name = request.json["metadata"]["name"]
    (container,) = request.json["spec"]["template"]["spec"]["containers"]
    (FOLDER / f"{name}.json").write_text(json.dumps(container))
    refs = {one["name"]: one["valueFrom"]["secretKeyRef"] for one in container["env"]}
    home = FOLDER / name
    home.mkdir()
    with (FOLDER / f"{name}.log").open("w") as log:
        jobs[name] = subprocess.Popen(
            [*container["command"], *container["args"]],
            cwd=home,
            env={
                "PATH": PATH,
                "HOME": str(home),
                **{key: secrets[ref["name"]][ref["key"]] for key, ref in refs.items()},
            },
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    return jsonify(request.json)


@server.get(f"{BATCH}/jobs/<name>/status")
def status(namespace, name):
    code = jobs[name].poll()
    return jsonify(status={} if code is None else {"failed" if code else "succeeded": 1})


@server.get(f"{CORE}/pods")
def pods(namespace):
    return jsonify(items=[])


@server.delete(f"{BATCH}/jobs/<name>")
@server.delete(f"{CORE}/secrets/<name>")
def delete(namespace, name):
    return jsonify({})


if __name__ == "__main__":
    server.run("127.0.0.1", PORT)
