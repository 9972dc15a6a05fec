"""`reelqueue sandbox`: started as a user starts it, asked over HTTP, ended by Ctrl-C, begun again."""

import contextlib
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from reelqueue.sandbox.youtube.upload import GRAIN_BYTES
from tests import forks

COMMAND = (sys.executable, "-c", "from reelqueue.cli import main; main()", "sandbox")
SIZE = 200 * 1024 * 1024
PIECE = 8 * 1024 * 1024


@dataclass
class Running:
    process: subprocess.Popen
    settings: dict[str, str]
    url: str

    def ask(self, path: str, body: object = None, method: str | None = None, headers: dict[str, str] | None = None):
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        url = path if path.startswith("http") else f"{self.url}{path}"
        request = urllib.request.Request(url, data, headers or {}, method=method)
        return urllib.request.build_opener(_AnyStatus).open(request, timeout=30)

    def end(self, number: int = signal.SIGINT) -> tuple[int, str]:
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=20)
        return self.process.returncode, errors

    def token(self) -> dict[str, str]:
        form = (
            f"grant_type=refresh_token&client_id={self.settings['YOUTUBE_CLIENT_ID']}"
            f"&client_secret={self.settings['YOUTUBE_CLIENT_SECRET']}&refresh_token={self.settings['YOUTUBE_REFRESH_TOKEN']}"
        )
        answer = self.ask(self.settings["GOOGLE_TOKEN_URL"], form.encode())
        return {"Authorization": f"Bearer {json.load(answer)['access_token']}"}


class _AnyStatus(urllib.request.HTTPErrorProcessor):
    """An answer is an answer, also a 308."""

    def http_response(self, request, response):
        return response

    https_response = http_response


@contextlib.contextmanager
def started(folder: Path, *arguments: str) -> Iterator[Running]:
    """The command, once it has printed its settings."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("YOUTUBE_")}
    argv = [*COMMAND, "--data", str(folder), *arguments]
    process = forks.Popen(
        argv, cwd=folder.parent, env=environment | {"REELQUEUE_LANGUAGE": "en"}, stdout=-1, stderr=-1, text=True
    )
    settings: dict[str, str] = {}
    try:
        for line in process.stdout:
            name, _, value = line.removeprefix("export ").partition("=")
            settings[name] = shlex.split(value)[0]
            if name == "DID_SOURCE_URL":
                break
        yield Running(process, settings, settings["YOUTUBE_API_BASE_URL"].removesuffix("/youtube"))
    finally:
        process.kill()
        process.communicate()


def test_the_sandbox_keeps_its_videos_over_a_restart(tmp_path):
    with started(tmp_path / "kept", "--port", "0") as first:
        path = "/youtube/upload/youtube/v3/videos?uploadType=resumable&part=snippet"
        leave = first.token()
        opened = first.ask(path, {"snippet": {"title": "Kept"}}, headers=leave | {"Content-Type": "application/json"})
        video = json.load(first.ask(opened.headers["Location"], b"film", method="PUT", headers=leave))
        code, said = first.end()
        port = first.url.rsplit(":", 1)[1]

    with started(tmp_path / "kept", "--port", port) as second:
        state = json.load(second.ask("/_sandbox/state"))
        ended = second.end(signal.SIGTERM)

    assert code == 130
    assert "/_sandbox/faults" in said
    assert "oauth token 200" in said
    assert f"the videos stay in {tmp_path / 'kept'}" in said
    assert "Traceback" not in said + ended[1]
    assert [one["video_id"] for one in state["youtube"]["videos"]] == [video["id"]]
    assert second.settings == first.settings


def test_the_port_that_is_taken_is_named(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        argv = [*COMMAND, "--data", str(tmp_path / "kept"), "--port", port]
        done = forks.run(argv, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 1
    assert port in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_an_upload_of_200_mb_takes_no_memory_of_the_sandbox(tmp_path):
    with started(tmp_path / "kept", "--port", "0", "--quiet") as running:
        leave = running.token()
        path = "/youtube/upload/youtube/v3/videos?uploadType=resumable&part=snippet"
        opened = running.ask(path, {"snippet": {"title": "Long"}}, headers=leave | {"Content-Type": "application/json"})
        process = psutil.Process(running.process.pid)
        before = process.memory_info().rss

        most, statuses = before, []
        for first in range(0, SIZE, PIECE):
            headers = leave | {"Content-Range": f"bytes {first}-{first + PIECE - 1}/{SIZE}"}
            answer = running.ask(opened.headers["Location"], bytes(PIECE), method="PUT", headers=headers)
            statuses.append(answer.status)
            most = max(most, process.memory_info().rss)
        video = json.load(answer)

    assert PIECE % GRAIN_BYTES == 0
    assert statuses == [308] * (SIZE // PIECE - 1) + [200]
    assert (tmp_path / "kept" / "youtube" / "videos" / f"{video['id']}.mp4").stat().st_size == SIZE
    assert most - before < 32 * 1024 * 1024
