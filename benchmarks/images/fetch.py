"""Fetching from this machine: ours against img2dataset, and many slow hosts at once.

    python benchmarks/images/fetch.py speed [--images 3000] [--processes 2]     needs nginx
    python benchmarks/images/fetch.py hosts [--hosts 200] [--rounds 20]

`speed`: JPEGs of 4 to 400 KiB from a local nginx with keep-alive; both write the bytes into tar files. img2dataset runs
with re-encoding off and the best of two thread counts. Its seconds are those of its own statistics, from the first
shard's start to the last one's end, and its CPU seconds those of its workers while they download: no imports, no
process pool. Ours are whole: fork, fetch, store, sync. Target: 3 times the images a second, a third of the CPU.

`hosts`: hosts that answer after 1 s, 4 connections each: 4 images a second and host are possible. Target: 90 %, memory
flat.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import multiprocessing
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from pipeline.fetch import Config, HostLimit, fetch
from pipeline.store import StoreWriter

NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log crit;
events {{ worker_connections 2048; }}
http {{
  access_log off; sendfile on; keepalive_timeout 65; keepalive_requests 1000000; default_type image/jpeg;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port} backlog=1024; root {folder}/www; }}
}}
"""
IMG2DATASET = """
import json, os, sys, time
os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
from img2dataset import download, downloader

untimed = downloader.Downloader.__call__

def timed(self, row):  # in each worker: its CPU seconds for a shard, all its threads
    before = time.process_time()
    done = untimed(self, row)
    with open(os.path.dirname(sys.argv[1]) + "/cpu", "a") as f:
        f.write(f"{time.process_time() - before}\\n")
    return done

downloader.Downloader.__call__ = timed
if __name__ == "__main__":
    download(**json.load(open(sys.argv[1])))
"""


def draw_files(folder: Path, count: int = 120) -> None:
    """JPEGs from 4 to 400 KiB, sizes spread evenly on a logarithmic scale."""
    dice = np.random.default_rng(1)
    for i, size in enumerate(np.geomspace(4 << 10, 400 << 10, count)):
        side = max(32, int(np.sqrt(size / 0.55)))
        out = io.BytesIO()
        Image.fromarray(dice.integers(0, 256, (side, side, 3), dtype=np.uint8)).save(out, format="JPEG", quality=30)
        (folder / f"{i}.jpg").write_bytes(out.getvalue().ljust(int(size), b"\0"))


@contextmanager
def nginx(folder: Path) -> Iterator[int]:
    """The port of an nginx that serves `folder/www`."""
    binary = shutil.which("nginx") or "/usr/sbin/nginx"
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port))
    process = subprocess.Popen([binary, "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")])
    try:
        time.sleep(1)
        yield port
    finally:
        process.terminate()
        process.wait()


def fetch_part(urls: list[str], folder: str, answers: multiprocessing.SimpleQueue[tuple[int, float]]) -> None:
    """What one task does: fetch, write to the store. Reports how many came, and its CPU seconds."""
    started = time.process_time()
    config = Config(allow_private=True, concurrency=32, host=HostLimit(concurrency=32, rate=0.0))
    store, count = StoreWriter(folder, f"part-{os.getpid()}"), 0
    for answer in fetch(urls, config):
        if answer.data is not None and answer.sha256 is not None:
            store.append(answer.data, name=answer.sha256)
            count += 1
    store.close()
    answers.put((count, time.process_time() - started))


def ours(urls: list[str], folder: Path, processes: int) -> tuple[float, float]:
    """(wall seconds, CPU seconds) of our fetcher in as many processes as there are tasks."""
    answers: multiprocessing.SimpleQueue[tuple[int, float]] = multiprocessing.SimpleQueue()
    parts = [urls[i::processes] for i in range(processes)]
    started = time.time()
    workers = [multiprocessing.Process(target=fetch_part, args=(part, str(folder), answers)) for part in parts]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    wall = time.time() - started
    found = [answers.get() for _ in workers]
    assert sum(count for count, _ in found) == len(urls)
    return wall, sum(cpu for _, cpu in found)


def img2dataset(urls: list[str], folder: Path, processes: int, threads: int) -> tuple[float, float]:
    """(wall seconds, CPU seconds) of img2dataset, re-encoding off."""
    folder.mkdir()
    (folder / "urls.txt").write_text("\n".join(urls))
    settings = {
        "url_list": str(folder / "urls.txt"),
        "output_folder": str(folder / "out"),
        "output_format": "webdataset",
        "resize_mode": "no",
        "disable_all_reencoding": True,
        "extract_exif": False,
        "compute_hash": "sha256",  # ours takes it too
        "processes_count": processes,
        "thread_count": threads,
        "number_sample_per_shard": max(1, len(urls) // (2 * processes)),
        "max_shard_retry": 0,
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "run.py").write_text(IMG2DATASET)
    command = [sys.executable, str(folder / "run.py"), str(folder / "settings.json")]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    shards = [json.loads(path.read_text()) for path in (folder / "out").glob("*_stats.json")]
    assert sum(shard["successes"] for shard in shards) == len(urls)
    wall = max(shard["end_time"] for shard in shards) - min(shard["start_time"] for shard in shards)
    cpu = sum(map(float, (folder / "cpu").read_text().split()))
    shutil.rmtree(folder / "out")
    return wall, cpu


def speed(images: int, processes: int) -> None:
    """Print the table of `speed`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "www").mkdir()
        draw_files(folder / "www")
        with nginx(folder) as port:
            urls = [f"http://127.0.0.1:{port}/{i % 120}.jpg?{i}" for i in range(images)]
            print(f"{images} images, mean {sum(np.geomspace(4, 400, 120)) / 120:.0f} KiB, {processes} processes")
            print("| fetcher | images a second | CPU s a 1,000 images |\n|---|---|---|")
            rows = [_row("weft", images, *ours(urls, folder / "store", processes))]
            for threads in (16, 64):
                measured = img2dataset(urls, folder / f"peer{threads}", processes, threads)
                rows.append(_row(f"img2dataset, {threads} threads", images, *measured))
            rows.append(_row("weft again", images, *ours(urls, folder / "store2", processes)))
    best = min(rows[1:-1], key=lambda row: row[1])
    mine = min(rows[0], rows[-1], key=lambda row: row[1])
    print(f"\n{best[1] / mine[1]:.1f} times the images a second, {mine[2] / best[2]:.2f} of the CPU")


def _row(label: str, images: int, wall: float, cpu: float) -> tuple[str, float, float]:
    print(f"| {label} | {images / wall:.0f} | {cpu / images * 1e3:.2f} |", flush=True)
    return label, wall, cpu


def slow_server(port: int) -> None:
    """Answers every request after 1 s, on all loopback addresses; ends with its parent."""
    body = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x40\0\0\0\x40\x08\x02\0\0\0" + bytes(20_000)
    image = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    nothing = b"HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n"

    class Answers(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            asyncio.get_running_loop().call_later(1.0, self.answer, b"/robots.txt" in data)

        def answer(self, robots: bool) -> None:
            assert isinstance(self.transport, asyncio.Transport)
            self.transport.write(nothing if robots else image)

    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(Answers, "0.0.0.0", port, backlog=2048)
        await server.serve_forever()

    asyncio.run(serve())


def hosts(count: int, rounds: int) -> None:
    """Print what many slow hosts give."""
    with socket.create_server(("0.0.0.0", 0)) as probe:
        port = probe.getsockname()[1]
    server = multiprocessing.Process(target=slow_server, args=(port,), daemon=True)
    server.start()
    time.sleep(1)
    urls = [
        f"http://127.0.{1 + h // 250}.{1 + h % 250}:{port}/{i}.png" for i in range(4 * rounds) for h in range(count)
    ]
    config = Config(allow_private=True, concurrency=4 * count, host=HostLimit(concurrency=4, rate=0.0))
    started, cpu, times, memory = time.time(), time.process_time(), [], []
    for answer in fetch(urls, config):
        assert answer.data is not None, answer.detail
        times.append(time.time() - started)
        if len(times) % (4 * count) == 0:
            memory.append(int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() >> 20)
    server.terminate()
    # the first second is robots.txt; the steady rate is between the first and the last image
    rate = (len(times) - 1) / (times[-1] - times[0] + 1.0)
    possible = 4 * count
    print(f"{count} hosts, 1 s latency, 4 connections each: {rate:.0f} images a second of {possible} possible", end=" ")
    print(f"({rate / possible:.0%}), {(time.process_time() - cpu) / len(times) * 1e3:.2f} CPU s a 1,000 images")
    print("resident memory, MiB, after each", possible, "images:", *memory)


def main() -> None:
    """Run one of the two."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("speed", "hosts"))
    parser.add_argument("--images", type=int, default=3_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--hosts", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    if options.what == "speed":
        speed(options.images, options.processes)
    else:
        hosts(options.hosts, options.rounds)


if __name__ == "__main__":
    main()
