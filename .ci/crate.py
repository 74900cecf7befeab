"""The crate in a folder against the profile that it names, by roc-validator, without a network.

    .venv-conventions/bin/python .ci/crate.py FOLDER

The validator has the profiles, and fetches the context.  That of RO-Crate 1.1 is in no package; here it gets the one of
1.2, its successor, from npm's package `ro-crate`.  The public CI validates with the one that crates name
(.github/workflows/ci.yml).
"""

import io
import subprocess
import sys
import tempfile
from pathlib import Path

import urllib3
from requests.adapters import HTTPAdapter
from requests_cache import CachedSession

NAMED = "https://w3id.org/ro/crate/1.1/context"
CONTEXT = Path(__file__).parent / "node_modules" / "ro-crate" / "lib" / "context.json"
JSON = {"Content-Type": "application/ld+json"}


class Shelf(HTTPAdapter):
    """Answers with the context."""

    def send(self, request, **_):
        body = io.BytesIO(CONTEXT.read_bytes())
        return self.build_response(request, urllib3.HTTPResponse(body, JSON, 200, preload_content=False))


def main(folder):
    with tempfile.TemporaryDirectory() as kept:
        # the validator does not find its way in a folder with a space
        crate, cache = Path(kept, "crate"), Path(kept, "cache")
        crate.symlink_to(Path(folder).resolve())
        with CachedSession(str(cache), backend="sqlite") as session:
            session.mount("https://", Shelf())
            session.get(NAMED)
        validator = [
            Path(sys.executable).with_name("rocrate-validator"),
            "--disable-color",
            "--no-interactive",
            "validate",
        ]
        options = [
            "--profile-identifier",
            "workflow-run-crate",
            "--offline",
            "--cache-path",
            cache,
            "--no-paging",
            "--verbose",
        ]
        return subprocess.run([*validator, *options, crate], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
