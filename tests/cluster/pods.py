"""As much of Kubernetes as Snakemake asks for: a job is a process in an empty folder with no more than it is given."""

import json
import subprocess
import threading
from base64 import b64decode
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Kubernetes(ThreadingHTTPServer):
    """Answers on a free port.

    Attributes:
        folder: of the jobs; what a job prints is in NAME.log.
        path: PATH of the jobs.
        containers: that were asked for.
    """

    def __init__(self, folder, path):
        super().__init__(("127.0.0.1", 0), Requests)
        self.folder, self.path = Path(folder), path
        self.containers, self.secrets, self.jobs = [], {}, {}

    def add_secret(self, secret):
        values = {key: b64decode(value).decode() for key, value in secret["data"].items()}
        self.secrets[secret["metadata"]["name"]] = values

    def submit(self, job):
        name = job["metadata"]["name"]
        (container,) = job["spec"]["template"]["spec"]["containers"]
        self.containers.append(container)
        refs = {one["name"]: one["valueFrom"]["secretKeyRef"] for one in container["env"]}
        home = self.folder / name
        home.mkdir()
        with (self.folder / f"{name}.log").open("w") as log:
            self.jobs[name] = subprocess.Popen(
                [*container["command"], *container["args"]],
                cwd=home,
                env={"PATH": self.path, **{key: self.secrets[ref["name"]][ref["key"]] for key, ref in refs.items()}},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def status(self, name):
        code = self.jobs[name].poll()
        return {"status": {} if code is None else {"failed" if code else "succeeded": 1}}


class Requests(BaseHTTPRequestHandler):
    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        (self.server.submit if self.path.endswith("/jobs") else self.server.add_secret)(sent)
        self.answer(sent)

    def do_GET(self):
        *_, name, last = self.path.split("/")
        # no pods: then it goes by the status of jobs
        self.answer(self.server.status(name) if last == "status" else {"items": []})

    def do_DELETE(self):
        self.answer({})

    def log_message(self, *_):
        """Nothing on stderr."""


@contextmanager
def serving_jobs(folder, path):
    with Kubernetes(folder, path) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
            for process in server.jobs.values():
                process.kill()
                process.wait()
