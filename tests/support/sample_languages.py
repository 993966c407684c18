"""Running a code sample of the service's reference in its own language, and hearing what it was answered."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from support import toolchains

_SUMS = Path(__file__).parents[2] / "examples/pulumi-go/go.sum"
_UUID = "github.com/google/uuid v1.6.0"


class Language(NamedTuple):
    """telling: what has each answer written to standard error, a line `[status, body]` each; it may define what the
    samples take for granted.

    command: runs `file`. beside: telling is a file of its own, not the sample's beginning. is_extra: `make setup` and
    `make test` do without it.
    """

    command: tuple[str, ...]
    file: str
    telling: str
    beside: str | None = None
    is_extra: bool = False


LANGUAGES = {
    "sh": Language(("bash", "sample.sh"), "sample.sh", r"""
curl() { command curl -w '\n%{http_code}' "$@" | { mapfile -t got; echo "[${got[1]}, ${got[0]}]" >&2; }; }
uuidgen() { cat /proc/sys/kernel/random/uuid; }
"""),
    "python": Language((sys.executable, "sample.py"), "sample.py", """
import json, os, sys, requests
_ask = requests.Session.request
def _print_reply(*words, **more):
    got = _ask(*words, **more)
    print(json.dumps([got.status_code, got.json()]), file=sys.stderr)
    return got
requests.Session.request = _print_reply
api_key = os.environ["POLYKOMOS_API_KEY"]
db_uuid, blueprint_uuid = "d7f3a1b2-...", "b1c2d3e4-..."
"""),
    "javascript": Language(("node", "sample.mjs"), "sample.mjs", """
const ask = fetch;
globalThis.fetch = async (...words) => {
  const got = await ask(...words);
  console.error(JSON.stringify([got.status, await got.clone().json()]));
  return got;
};
globalThis.API_KEY = process.env.POLYKOMOS_API_KEY;
globalThis.dbUuid = "d7f3a1b2-...";
globalThis.bpUuid = globalThis.blueprintUuid = "b1c2d3e4-...";
"""),
    "php": Language(("php", "sample.php"), "sample.php", r"""<?php
namespace Sample;
function curl_exec($ch) {
  $got = \curl_exec($ch);
  fwrite(STDERR, "[" . curl_getinfo($ch, CURLINFO_HTTP_CODE) . ", $got]\n");
  return $got;
}
$apiKey = getenv("POLYKOMOS_API_KEY");
$dbUuid = "d7f3a1b2-...";
$blueprintUuid = "b1c2d3e4-...";
""", is_extra=True),
    "ruby": Language(("ruby", "sample.rb"), "sample.rb", """
require "net/http"
module Telling
  def request(*words)
    got = super
    $stderr.puts "[#{got.code}, #{got.body}]"
    got
  end
end
Net::HTTP.prepend(Telling)
api_key = ENV["POLYKOMOS_API_KEY"]
db_uuid, blueprint_uuid = "d7f3a1b2-...", "b1c2d3e4-..."
""", is_extra=True),
    "go": Language(("go", "run", "."), "sample.go", """package main
import (
"bytes"
"fmt"
"io"
"net/http"
"os"
)
var apiKey, dbUuid, blueprintUuid = os.Getenv("POLYKOMOS_API_KEY"), "d7f3a1b2-...", "b1c2d3e4-..."
type telling struct{ http.RoundTripper }
func (t telling) RoundTrip(request *http.Request) (*http.Response, error) {
	got, err := t.RoundTripper.RoundTrip(request)
	if err == nil {
		body, _ := io.ReadAll(got.Body)
		got.Body = io.NopCloser(bytes.NewReader(body))
		fmt.Fprintf(os.Stderr, "[%d, %s]\\n", got.StatusCode, body)
	}
	return got, err
}
func init() { http.DefaultTransport = telling{http.DefaultTransport} }
""", beside="telling.go"),
}  # fmt: skip


def answers(language: str, sample: str, stands_for: dict[str, str], api_key: str, directory: Path) -> list[Any]:
    """[status, body] of each request of a sample. stands_for: what a printed text is here.

    Skips the test where a language that is extra is not installed.
    """
    way = LANGUAGES[language]
    is_there = shutil.which(way.command[0]) is not None
    assert is_there or way.is_extra, f"{way.command[0]} is not on PATH"
    if not is_there:
        pytest.skip(f"{way.command[0]} is not installed")
    files = {way.file: sample, way.beside: way.telling} if way.beside else {way.file: way.telling + sample}
    for name, text in files.items():
        for printed, here in stands_for.items():
            text = text.replace(printed, here)
        (directory / name).write_text(text)
    if language == "go":
        (directory / "go.mod").write_text(f"module sample\n\ngo 1.21\n\nrequire {_UUID}\n")
        sums = [line for line in _SUMS.read_text().splitlines(keepends=True) if line.startswith(_UUID)]
        (directory / "go.sum").write_text("".join(sums))
    caches = toolchains.caches() if language == "go" else {}
    env = {**os.environ, **caches, "POLYKOMOS_API_KEY": api_key, "NO_PROXY": "*", "no_proxy": "*"}
    done = subprocess.run(way.command, cwd=directory, capture_output=True, text=True, env=env, timeout=240, check=False)
    assert done.returncode == 0, f"{sample}\n{done.stderr}"
    return [json.loads(line) for line in done.stderr.splitlines() if line.startswith("[")]
