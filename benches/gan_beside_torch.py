"""Prints the figures of `cargo bench --bench gan` beside PyTorch's on the same networks, in Markdown tables.

    python benches/gan_beside_torch.py [--passes 3] [--compile]

The networks are those of the defaults, "wide" ones twice as wide, "transposed" ones with the other generator; a step takes a batch of 64 and updates both networks, their optimisers and the
average of the generator; both sides use the generated batch twice. PyTorch runs eagerly, or with `--compile` also compiled, channels last, with its
fused Adam and as many threads as the machine has processors. Passes of both take turns; a figure is the median of the passes' medians.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

ROOT = Path(__file__).parent.parent
BATCH, SAMPLES, CLASSES, LATENT, EMBEDDING = 64, 256, 10, 64, 32
NOISE, DECAY = 0.5, 0.995
# Names as in `gan.rs`: side, channels, how many times as wide as by default, whether the generator repeats pixels or convolves transposed.
KINDS = {
    "8x8x1": (8, 1, 1, True),
    "28x28x1": (28, 1, 1, True),
    "32x32x1": (32, 1, 1, True),
    "32x32x1 wide": (32, 1, 2, True),
    "64x64x3": (64, 3, 1, True),
    "32x32x1 transposed": (32, 1, 1, False),
    "32x32x1 transposed wide": (32, 1, 2, False),
    "64x64x3 transposed": (64, 3, 1, False),
}
EPOCHS = ("32x32x1", "64x64x3")
MIXED = 0.3


class Generator(nn.Module):
    def __init__(self, size, channels, scale, upsampled):
        super().__init__()
        doublings = (size // 4).bit_length() - 1
        self.base = -(-size // 2**doublings)
        wide = 64 * scale
        widths = [wide // 2 if doublings > 1 and n >= doublings - 1 else wide for n in range(doublings + 1)]
        self.embedding = nn.Embedding(CLASSES, EMBEDDING)
        self.dense = nn.Linear(LATENT + EMBEDDING, self.base**2 * widths[0], bias=False)
        layers = [nn.BatchNorm2d(widths[0]), nn.ReLU()]
        for before, after in zip(widths, widths[1 : doublings + upsampled]):
            doubling = (
                [nn.Upsample(scale_factor=2), nn.Conv2d(before, after, 3, 1, 1, bias=False)]
                if upsampled
                else [nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False)]
            )
            layers += [*doubling, nn.BatchNorm2d(after), nn.ReLU()]
        last = nn.Conv2d(widths[-1], channels, 3, 1, 1) if upsampled else nn.ConvTranspose2d(widths[-2], channels, 4, 2, 1)
        self.layers = nn.Sequential(*layers, last, nn.Tanh())

    def forward(self, z, y):
        x = self.dense(torch.cat([z, self.embedding(y)], 1)).view(len(z), -1, self.base, self.base)
        return self.layers(x.contiguous(memory_format=torch.channels_last))


class Discriminator(nn.Module):
    def __init__(self, size, channels, scale):
        super().__init__()
        small = size < 16
        first = (16 if small else 32) * scale
        side = size if small else size // 2
        layers = [nn.Conv2d(channels, first, 3 if small else 4, 1 if small else 2, 1), nn.LeakyReLU(0.2)]
        width, stages = first, 0
        while (side > 3 and stages < 2) or side > 4:
            outputs = min(2 * width, 4 * first)
            layers += [nn.Conv2d(width, outputs, 4, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)]
            width, side, stages = outputs, side // 2, stages + 1
        self.layers = nn.Sequential(*layers, nn.Flatten())
        self.common = nn.Linear(side * side * width, 1)
        self.classes = nn.Embedding(CLASSES, side * side * width)

    def forward(self, x, y):
        h = self.layers(x)
        return self.common(h)[:, 0] + (h * self.classes(y)).sum(1)


class Torch:
    """PyTorch's side of one kind."""

    def __init__(self, kind, compiled):
        size, channels, scale, _ = kind
        self.generator, self.average = Generator(*kind), Generator(*kind)
        self.discriminator = Discriminator(size, channels, scale)
        for network in (self.generator, self.average, self.discriminator):
            network.to(memory_format=torch.channels_last)
        self.average.eval()
        self.adams = [
            torch.optim.Adam(network.parameters(), 5e-4, (0.5, 0.999), fused=True)
            for network in (self.generator, self.discriminator)
        ]
        self.real = torch.rand(BATCH, channels, size, size).mul(2).sub(1).contiguous(memory_format=torch.channels_last)
        self.labels = torch.arange(BATCH) % CLASSES
        wrap = torch.compile if compiled else lambda network: network
        self.g, self.d, self.a = wrap(self.generator), wrap(self.discriminator), wrap(self.average)

    def judge(self, images):
        return self.d(images + NOISE * torch.randn_like(images), self.labels)

    def step(self):
        fake = self.g(torch.randn(BATCH, LATENT), self.labels)
        self.adams[1].zero_grad()
        (F.softplus(-self.judge(self.real)).mean() + F.softplus(self.judge(fake.detach())).mean()).backward()
        self.adams[1].step()
        self.discriminator.requires_grad_(False)
        self.adams[0].zero_grad()
        F.softplus(-self.judge(fake)).mean().backward()
        self.adams[0].step()
        self.discriminator.requires_grad_(True)
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.generator.parameters()), 1 - DECAY)

    def sample(self):
        with torch.inference_mode():
            z, labels = torch.randn(SAMPLES, LATENT), torch.arange(SAMPLES) % CLASSES
            (self.a(z, labels) * 127.5 + 127.5).round().to(torch.uint8)


def median(work, seconds):
    """The median time of `work`, in seconds."""
    for _ in range(3):
        work()
    times, end = [], time.perf_counter() + seconds
    while len(times) < 5 or time.perf_counter() < end:
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def program():
    """The benchmark, built if need be."""
    command = ["cargo", "bench", "--locked", "--bench", "gan", "--no-run", "--message-format=json"]
    output = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    messages = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    return next(m["executable"] for m in messages if m.get("executable") and m["target"]["name"] == "gan")


def ours(program, name, seconds):
    """The median times of what the benchmark calls `name`, in seconds."""
    options = ["--bench", "--noplot", "--exact", name, "--warm-up-time", "0.5", "--measurement-time", str(seconds)]
    subprocess.run([program, *options], cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    estimates = ROOT / "target" / "criterion" / name / "new" / "estimates.json"
    return json.loads(estimates.read_text())["median"]["point_estimate"] / 1e9


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2, help="of one measurement")
    parser.add_argument("--compile", action="store_true", help="measure torch.compile too")
    parser.add_argument("--kinds", nargs="*", choices=KINDS, default=list(KINDS))
    options = parser.parse_args()
    torch.set_num_threads(os.cpu_count())
    bench, times = program(), defaultdict(list)
    sides = {(kind, compiled): Torch(KINDS[kind], compiled) for kind in options.kinds for compiled in (False, True)[: 1 + options.compile]}
    for number in range(options.passes):
        print(f"pass {number + 1} of {options.passes}", file=sys.stderr)
        for kind in options.kinds:
            for work in ("step", "sample"):
                times["ours", work, kind].append(ours(bench, f"gan_{work}/{kind}", options.seconds))
            for (_, compiled), side in ((key, side) for key, side in sides.items() if key[0] == kind):
                for work in ("step", "sample"):
                    times[compiled, work, kind].append(median(getattr(side, work), options.seconds))
        for kind in (kind for kind in EPOCHS if kind in options.kinds):
            for mixture in ("real", "30 % generated"):
                times[mixture, kind].append(ours(bench, f"gan_epoch/{kind} {mixture}", options.seconds))

    figures = {key: statistics.median(values) for key, values in times.items()}
    print(f"PyTorch {torch.__version__}, {os.cpu_count()} processors\n")
    columns = ["eager", "compiled"][: 1 + options.compile]
    print("| networks | step, ms | " + " | ".join(f"PyTorch {name}" for name in columns) + " | ratio to the faster |")
    print("|" + "---|" * (3 + len(columns)))
    for kind in options.kinds:
        own, theirs = figures["ours", "step", kind], [figures[bool(i), "step", kind] for i in range(len(columns))]
        row = [kind, f"{own * 1e3:.1f}", *(f"{t * 1e3:.1f}" for t in theirs), f"{own / min(theirs):.2f}"]
        print("| " + " | ".join(row) + " |")
    print("\n| networks | samples/s | " + " | ".join(f"PyTorch {name}" for name in columns) + " | ratio to the faster |")
    print("|" + "---|" * (3 + len(columns)))
    for kind in options.kinds:
        own, theirs = figures["ours", "sample", kind], [figures[bool(i), "sample", kind] for i in range(len(columns))]
        row = [kind, f"{SAMPLES / own:,.0f}", *(f"{SAMPLES / t:,.0f}" for t in theirs), f"{min(theirs) / own:.2f}"]
        print("| " + " | ".join(row) + " |")
    print("\n| an epoch of | real ones alone, images/s | generated ones alone | with 30 % generated | if neither cost the other anything |")
    print("|---|---|---|---|---|")
    for kind in (kind for kind in EPOCHS if kind in options.kinds):
        # An epoch uses 2,000 real images in either case.
        real, mixed = 2000 / figures["real", kind], 2000 / (1 - MIXED) / figures["30 % generated", kind]
        made = SAMPLES / figures["ours", "sample", kind]
        ideal = 1 / ((1 - MIXED) / real + MIXED / made)
        print(f"| {kind} | {real:,.0f} | {made:,.0f} | {mixed:,.0f} | {ideal:,.0f} |")


if __name__ == "__main__":
    main()
