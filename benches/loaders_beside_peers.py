"""Prints the figures of `cargo bench --bench throughput` beside those of other loaders, in Markdown tables.

    python benches/loaders_beside_peers.py --peers PEERS --scripts SCRIPTS [--data DATA] [--workloads a a_lite b c] [--passes 3]

The other loaders are not part of this repository. SCRIPTS holds `part3_loaders.py`, which measures one of them and prints one line of JSON with
the keys that `throughput` prints; PEERS holds their environments `venv`, `venv_tf`, `venv_ffcv`, `site_alb`, `site_albx` and `target_burn`. What is
not installed does not take part. DATA (PEERS/data) holds the images that all of them read: `jpeg2000/CLASS/*.jpg`, `gray28.npy`, `rgb32.npy`,
`labels.npy`. The workloads are described in `throughput.rs`.

Passes of all loaders take turns, each in a process of its own; a figure is the median of the passes. A run during which other processes took more
than a tenth of a core is repeated. Peak memory is the sum of a loader's processes, the images in memory included.
"""

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parent.parent
OURS = "candle-augment"
TRIES = 4
# A loader, where it is installed, and the workers with which it is fastest on two cores, by workload.
PEERS = (
    ("grain_cv2", "venv", "", {"a": 4, "a_lite": 2, "b": 1, "c": 1}),
    ("grain_mp_cv2", "venv", "", {"a": 2, "a_lite": 2, "b": 2, "c": 2}),
    ("wds_cv2", "venv", "", {"a": 2, "a_lite": 2}),
    ("torch_cv2", "venv", "", {"a": 2, "a_lite": 2, "b": 0, "c": 0}),
    ("torch_tv", "venv", "", {"a": 2, "a_lite": 2, "b": 4, "c": 1}),
    ("torch_tv_pil", "venv", "", {"a": 2, "a_lite": 2, "b": 2, "c": 0}),
    ("torch_alb", "venv", "site_alb", {"a": 2, "a_lite": 2, "b": 4, "c": 4}),
    ("torch_alb", "venv", "site_albx", {"a": 4, "a_lite": 2, "b": 2, "c": 2}),
    ("torch_kornia", "venv", "", {"a": 0, "b": 0, "c": 0}),
    ("torch_kornia_rs", "venv", "", {"a": 2, "a_lite": 2}),
    ("spdl_cv2", "venv", "", {"b": 1, "c": 1}),
    ("spdl_batch_cv2", "venv", "", {"a": 2, "a_lite": 2}),
    ("dali", "venv", "", {"a": 4, "a_lite": 2, "b": 2, "c": 2}),
    ("tfdata", "venv_tf", "", {"a": 2, "a_lite": 2, "b": 2, "c": 2}),
    ("ffcv", "venv_ffcv", "", {"a_lite": 2}),
    ("burn", "venv", "", {"a": 2, "b": 2, "c": 2}),
)


def row_of(command, environment):
    """The line that `command` prints."""
    run = subprocess.run(command, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    lines = [line for line in run.stdout.splitlines() if line.startswith("{")]
    if not lines:
        raise RuntimeError("; ".join(run.stderr.strip().splitlines()[-1:]) or f"exit status {run.returncode}")
    return json.loads(lines[-1])


def measured(name, command, environment):
    for _ in range(TRIES):
        row = row_of(command, environment)
        if max(row.get(key) or 0 for key in ("foreign_cpu", "steal_cpu")) <= 0.1:
            return row
    print(f"{name}: disturbed by other processes in all of {TRIES} runs, the last one counts", file=sys.stderr)
    return row


class Sitting:
    def __init__(self, options):
        self.options = options
        self.prefix = shlex.split(options.prefix)
        self.data = options.data or options.peers / "data"
        self.program = throughput()
        self.missing = set()

    def ours(self, workload, workers):
        place = self.options.photos or self.data / "jpeg2000" if workload.startswith("a") else self.data
        lengths = [str(self.options.seconds), str(self.options.windows)]
        return measured(OURS, [*self.prefix, self.program, workload, place, str(workers), *lengths], {})

    def peer(self, system, venv, site, workload, workers):
        """The row of one peer, or None where it cannot run."""
        name = f"{system} {site}".strip()
        if name in self.missing:
            return None
        peers = self.options.peers
        environment = {
            "PEERS_DATA": str(self.data),
            "PEERS_BURN": str(peers / "target_burn" / "release" / "peers_burn"),
            "PEERS_THREADS": str(os.cpu_count()),
            "PYTHONPATH": str(peers / site) if site else "",
            "PYTHONWARNINGS": "ignore",
        }
        lengths = ["--seconds", str(self.options.seconds), "--windows", str(self.options.windows)]
        script = self.options.scripts / "part3_loaders.py"
        python = peers / venv / "bin" / "python"
        try:
            return measured(name, [*self.prefix, python, script, system, workload, str(workers), *lengths], environment)
        except (OSError, RuntimeError) as error:
            print(f"{name} does not take part: {error}", file=sys.stderr)
            self.missing.add(name)
            return None

    def workload(self, workload, rows):
        """One pass over all loaders; ours twice, so that it is not always the first."""
        rows[OURS, 2].append(self.ours(workload, 2))
        for system, venv, site, workers in PEERS:
            if workload not in workers or not wanted(system, self.options.systems):
                continue
            row = self.peer(system, venv, site, workload, workers[workload])
            if row:
                name = f"{system} ({row['version']})" if system == "torch_alb" else system
                rows[name, row["workers"]].append(row)
        rows[OURS, 1].append(self.ours(workload, 1))
        rows[OURS, 2].append(self.ours(workload, 2))


def wanted(system, systems):
    return systems is None or system in systems


def throughput():
    """The path of the benchmark's program, which is built."""
    build = ["cargo", "build", "--release", "--bench", "throughput", "--message-format", "json"]
    run = subprocess.run(build, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    made = [json.loads(line) for line in run.stdout.splitlines()]
    return next(each["executable"] for each in made if each.get("target", {}).get("name") == "throughput")


def median(rows, key):
    return statistics.median(row[key] for row in rows)


def table(workload, rows):
    rate = {who: median(of, "images_per_s") for who, of in rows.items()}
    mine = rate[OURS, 2]
    print(f"\n### {workload}\n\n| loader | workers | images/s | ours ÷ it | first batch ms | peak MB |\n|---|---|---|---|---|---|")
    for (name, workers), value in sorted(rate.items(), key=lambda item: -item[1]):
        of = rows[name, workers]
        first, peak = median(of, "first_batch_s") * 1000, median(of, "peak_rss_mb")
        print(f"| {name} | {workers} | {value:,.0f} | {mine / value:.2f} | {first:.1f} | {peak:.0f} |")
    peers = [value for (name, _), value in rate.items() if name != OURS]
    if peers:
        print(f"\nOurs ÷ the best of them: {mine / max(peers):.2f}; 2 workers ÷ 1: {mine / rate[OURS, 1]:.2f}.", flush=True)


def own_cost(sitting, a):
    """What the loader itself costs a sample, and its share of workload a's time, if that was measured."""
    cost = statistics.median(sitting.ours("own", 2)["cpu_us_per_image"] for _ in range(sitting.options.passes))
    share = f", {cost / median(a, 'cpu_us_per_image'):.2%} of what workload a takes" if a else ""
    print(f"\nThe loader itself: {cost:.2f} µs of processor time a sample{share}.")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, required=True, help="folder of the environments")
    parser.add_argument("--scripts", type=Path, required=True, help="folder of part3_loaders.py")
    parser.add_argument("--data", type=Path, help="folder of the images; PEERS/data unless given")
    parser.add_argument("--photos", type=Path, help="another folder of class folders for our workloads a and a_lite")
    parser.add_argument("--workloads", nargs="+", default=["a", "a_lite", "b", "c"], choices=["a", "a_lite", "b", "c"])
    parser.add_argument("--systems", nargs="*", help="only these of the peers; none at all if the list is empty")
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="length of a window")
    parser.add_argument("--windows", type=int, default=2)
    parser.add_argument("--prefix", default="", help="what each run is started with, such as `flock FILE`")
    options = parser.parse_args()
    sitting = Sitting(options)
    rows = {workload: defaultdict(list) for workload in options.workloads}
    for _ in range(options.passes):
        for workload in options.workloads:
            sitting.workload(workload, rows[workload])
    for workload in options.workloads:
        table(workload, rows[workload])
    own_cost(sitting, rows.get("a", {}).get((OURS, 2)))


if __name__ == "__main__":
    main()
