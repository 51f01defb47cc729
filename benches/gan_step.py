"""PyTorch's time for the training step and the sampling that `gan.rs` measures: the same networks, losses, noise and averages,
channels last, fused Adam. Prints milliseconds per step (batch 64) and images per second.

    python benches/gan_step.py
"""

import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F

BATCH, CLASSES, LATENT, EMBEDDING = 64, 10, 64, 32
WIDTH, NOISE, DECAY = 64, 0.3, 0.995


class Generator(nn.Module):
    def __init__(self, size, channels):
        super().__init__()
        doublings = (size // 4).bit_length() - 1
        self.base = -(-size // 2**doublings)
        width = lambda n: WIDTH // 2 if doublings > 1 and n == doublings - 1 else WIDTH
        self.embedding = nn.Embedding(CLASSES, EMBEDDING)
        self.dense = nn.Linear(LATENT + EMBEDDING, self.base**2 * width(0), bias=False)
        layers = [nn.BatchNorm2d(width(0)), nn.ReLU()]
        for n in range(1, doublings):
            layers += [nn.ConvTranspose2d(width(n - 1), width(n), 4, 2, 1, bias=False), nn.BatchNorm2d(width(n)), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.ConvTranspose2d(width(doublings - 1), channels, 4, 2, 1), nn.Tanh())

    def forward(self, z, y):
        x = self.dense(torch.cat([z, self.embedding(y)], 1)).view(len(z), -1, self.base, self.base)
        return self.layers(x.contiguous(memory_format=torch.channels_last))


class Discriminator(nn.Module):
    def __init__(self, size, channels):
        super().__init__()
        first = 16 if size < 16 else 32
        small = size < 16
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


def measure(size, channels):
    g, d, average = Generator(size, channels), Discriminator(size, channels), Generator(size, channels)
    for network in (g, d, average):
        network.to(memory_format=torch.channels_last)
    adams = [torch.optim.Adam(n.parameters(), 5e-4, (0.5, 0.999), fused=True) for n in (g, d)]
    real = torch.rand(BATCH, channels, size, size).mul(2).sub(1).contiguous(memory_format=torch.channels_last)
    y = torch.arange(BATCH) % CLASSES
    blur = lambda x: x + NOISE * torch.randn_like(x)

    def step():
        fake = g(torch.randn(BATCH, LATENT), y)
        adams[1].zero_grad()
        (F.softplus(-d(blur(real), y)).mean() + F.softplus(d(blur(fake.detach()), y)).mean()).backward()
        adams[1].step()
        for p in d.parameters():
            p.requires_grad_(False)
        adams[0].zero_grad()
        F.softplus(-d(blur(fake), y)).mean().backward()
        adams[0].step()
        for p in d.parameters():
            p.requires_grad_(True)
        with torch.no_grad():
            torch._foreach_lerp_(list(average.parameters()), list(g.parameters()), 1 - DECAY)

    def sample():
        with torch.inference_mode():
            z, labels = torch.randn(256, LATENT), torch.arange(256) % CLASSES
            (average(z, labels) * 127.5 + 127.5).round().to(torch.uint8)

    average.eval()
    times = []
    for work, repeats in ((step, 40), (sample, 20)):
        for _ in range(5):
            work()
        taken = []
        for _ in range(repeats):
            start = time.perf_counter()
            work()
            taken.append(time.perf_counter() - start)
        times.append(statistics.median(taken))
    print(f"{size}x{size}x{channels}: {times[0] * 1e3:.2f} ms per step, {256 / times[1]:.0f} images/s")


for kind in ((8, 1), (28, 1), (32, 1), (64, 3)):
    measure(*kind)
