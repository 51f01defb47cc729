"""Prints the figures of `cargo bench --bench transforms` beside those of other libraries, in one Markdown table.

    python benches/beside_peers.py [--passes 3]

Every library that can be imported takes part: torch + torchvision, opencv-python, albumentations, kornia_rs, pillow. Each uses its fastest
usual form: OpenCV, Albumentations and kornia-rs arrays (H, W, C), torchvision tensors (C, H, W), Pillow its images. One thread each; every call
makes a new result; a library keeps the memory that it frees. Passes of ours and of the others take turns; a figure is the median of
the passes' medians, in microseconds per image. Bits differ: only ours and torchvision's agree with torchvision, and OpenCV's hue has 180 steps.
"""

import argparse
import itertools
import json
import math
import os
import random
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parent.parent
SINGLE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")}
# Without it, fresh pages for every result would be most of some figures.
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "268435456", "MALLOC_TRIM_THRESHOLD_": "1073741824", "MALLOC_TOP_PAD_": "67108864"}
SIZES = (512, 256)
OUT = 224
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def boxes(side):
    """RandomResizedCrop's boxes (top, left, height, width)."""
    rng, found = random.Random(0), []
    while len(found) < 64:
        area = side * side * rng.uniform(0.08, 1)
        ratio = math.exp(rng.uniform(math.log(3 / 4), math.log(4 / 3)))
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= side and 0 < h <= side:
            found.append((rng.randint(0, side - h), rng.randint(0, side - w), h, w))
    return itertools.cycle(found)


def jitters():
    """ColorJitter's draws: the order, three factors and the shift of the hue."""
    rng, orders = random.Random(0), list(itertools.permutations(range(4)))
    while True:
        yield rng.choice(orders), [*(rng.uniform(0.6, 1.4) for _ in range(3)), rng.uniform(-0.1, 0.1)]


def corners(side):
    k, e = side / 256, side - 1
    start = [[0, 0], [e, 0], [e, e], [0, e]]
    end = [[20 * k, 12 * k], [e - 10 * k, 8 * k], [e - 16 * k, e - 14 * k], [6 * k, e - 18 * k]]
    return start, end


def torchvision(photo, side):
    import torch
    from torchvision.transforms.v2 import InterpolationMode as Mode
    from torchvision.transforms.v2 import functional as F

    torch.set_num_threads(1)
    image = torch.from_numpy(photo).permute(2, 0, 1).contiguous()
    crop, draw, (start, end) = boxes(side), jitters(), corners(side)
    k = side / 256
    parts = [F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue]

    def jitter(x):
        order, numbers = next(draw)
        for part in order:
            x = parts[part](x, numbers[part])
        return x

    def normalize(x):
        return F.normalize(F.to_dtype(x, torch.float32, scale=True), MEAN, STD)

    half = torch.zeros(3, 1, 1, dtype=torch.uint8)
    return image, {
        "hflip": F.horizontal_flip,
        "vflip": F.vertical_flip,
        "rotate15_nearest": lambda x: F.rotate(x, 15, Mode.NEAREST),
        "rotate15_bilinear": lambda x: F.rotate(x, 15, Mode.BILINEAR),
        "affine_bilinear": lambda x: F.affine(x, 10, [20 * k, 10 * k], 1.1, [5.0, 0.0], Mode.BILINEAR),
        "perspective_bilinear": lambda x: F.perspective(x, start, end, Mode.BILINEAR),
        "resize224_aa": lambda x: F.resize(x, [OUT, OUT], antialias=True),
        "resize224_noaa": lambda x: F.resize(x, [OUT, OUT], antialias=False),
        "rrc224": lambda x: F.resized_crop(x, *next(crop), [OUT, OUT], antialias=True),
        "brightness1.3": lambda x: F.adjust_brightness(x, 1.3),
        "contrast1.3": lambda x: F.adjust_contrast(x, 1.3),
        "saturation1.3": lambda x: F.adjust_saturation(x, 1.3),
        "hue0.1": lambda x: F.adjust_hue(x, 0.1),
        "gamma2.2": lambda x: F.adjust_gamma(x, 2.2),
        "colorjitter": jitter,
        "grayscale3": lambda x: F.rgb_to_grayscale(x, 3),
        "invert": F.invert,
        "posterize4": lambda x: F.posterize(x, 4),
        "solarize128": lambda x: F.solarize(x, 128),
        "autocontrast": F.autocontrast,
        "equalize": F.equalize,
        "sharpness1.5": lambda x: F.adjust_sharpness(x, 1.5),
        "gaussian_blur5": lambda x: F.gaussian_blur(x, [5, 5], [1.0, 1.0]),
        "jpeg75": lambda x: F.jpeg(x, 75),
        "erase25pct": lambda x: F.erase(x, side // 4, side // 5, side // 2, side // 2, half),
        "to_float_normalize": normalize,
        "flip_colorjitter_normalize": lambda x: normalize(jitter(F.horizontal_flip(x))),
    }


def opencv(photo, side):
    import cv2
    import numpy as np

    cv2.setNumThreads(1)
    crop, draw, (start, end) = boxes(side), jitters(), corners(side)
    middle, k = (side - 1) / 2, side / 256
    turn = cv2.getRotationMatrix2D((middle, middle), 15, 1)
    shear = math.tan(math.radians(5))
    affine = cv2.getRotationMatrix2D((middle, middle), -10, 1.1) @ np.array([[1, shear, 0], [0, 1, 0], [0, 0, 1]])
    affine[:, 2] += [20 * k, 10 * k]
    perspective = cv2.getPerspectiveTransform(np.float32(start), np.float32(end))
    ramp = np.arange(256, dtype=np.float64)
    levels = np.arange(256, dtype=np.uint8)
    smooth = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]], np.float32) / 13
    scale, shift = [np.float32(1 / (255 * s)) for s in STD], [np.float32(-m / s) for m, s in zip(MEAN, STD)]

    def table(values):
        return np.clip(values, 0, 255).astype(np.uint8)

    def brightness(x, f):
        return cv2.convertScaleAbs(x, alpha=f)

    def contrast(x, f):
        mean = cv2.mean(cv2.cvtColor(x, cv2.COLOR_RGB2GRAY))[0]
        return cv2.LUT(x, table(ramp * f + mean * (1 - f)))

    def saturation(x, f):
        gray = cv2.cvtColor(cv2.cvtColor(x, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        return cv2.addWeighted(x, f, gray, 1 - f, 0)

    def hue(x, f):
        h, s, v = cv2.split(cv2.cvtColor(x, cv2.COLOR_RGB2HSV))
        h = cv2.LUT(h, ((ramp + 180 * f) % 180).astype(np.uint8))
        return cv2.cvtColor(cv2.merge((h, s, v)), cv2.COLOR_HSV2RGB)

    def jitter(x):
        order, numbers = next(draw)
        for part in order:
            x = (brightness, contrast, saturation, hue)[part](x, numbers[part])
        return x

    def resized_crop(x):
        i, j, h, w = next(crop)
        return cv2.resize(x[i : i + h, j : j + w], (OUT, OUT), interpolation=cv2.INTER_AREA)

    def autocontrast(x):
        tables = np.empty((256, 1, 3), np.uint8)
        for c, plane in enumerate(cv2.split(x)):
            low, high = cv2.minMaxLoc(plane)[:2]
            tables[:, 0, c] = table((ramp - low) * (255 / (high - low))) if high > low else levels
        return cv2.LUT(x, tables)

    def erase(x):
        x = x.copy()
        x[side // 4 : side // 4 + side // 2, side // 5 : side // 5 + side // 2] = 0
        return x

    def normalize(x):
        out = np.empty((3, *x.shape[:2]), np.float32)
        for c, plane in enumerate(cv2.split(x)):
            np.multiply(plane, scale[c], out=out[c])
            out[c] += shift[c]
        return out

    def warp(x, matrix, mode):
        return cv2.warpAffine(x, matrix, (side, side), flags=mode)

    return photo, {
        "hflip": lambda x: cv2.flip(x, 1),
        "vflip": lambda x: cv2.flip(x, 0),
        "rotate15_nearest": lambda x: warp(x, turn, cv2.INTER_NEAREST),
        "rotate15_bilinear": lambda x: warp(x, turn, cv2.INTER_LINEAR),
        "affine_bilinear": lambda x: warp(x, affine, cv2.INTER_LINEAR),
        "perspective_bilinear": lambda x: cv2.warpPerspective(x, perspective, (side, side), flags=cv2.INTER_LINEAR),
        "resize224_aa": lambda x: cv2.resize(x, (OUT, OUT), interpolation=cv2.INTER_AREA),
        "resize224_noaa": lambda x: cv2.resize(x, (OUT, OUT), interpolation=cv2.INTER_LINEAR),
        "rrc224": resized_crop,
        "brightness1.3": lambda x: brightness(x, 1.3),
        "contrast1.3": lambda x: contrast(x, 1.3),
        "saturation1.3": lambda x: saturation(x, 1.3),
        "hue0.1": lambda x: hue(x, 0.1),
        "gamma2.2": lambda x: cv2.LUT(x, table(255 * (ramp / 255) ** 2.2)),
        "colorjitter": jitter,
        "grayscale3": lambda x: cv2.cvtColor(cv2.cvtColor(x, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB),
        "invert": cv2.bitwise_not,
        "posterize4": lambda x: cv2.LUT(x, levels & 0xF0),
        "solarize128": lambda x: cv2.LUT(x, np.where(levels < 128, levels, 255 - levels)),
        "autocontrast": autocontrast,
        "equalize": lambda x: cv2.merge([cv2.equalizeHist(plane) for plane in cv2.split(x)]),
        "sharpness1.5": lambda x: cv2.addWeighted(x, 1.5, cv2.filter2D(x, -1, smooth), -0.5, 0),
        "gaussian_blur5": lambda x: cv2.GaussianBlur(x, (5, 5), 1.0),
        "jpeg75": lambda x: cv2.imdecode(cv2.imencode(".jpg", x, [cv2.IMWRITE_JPEG_QUALITY, 75])[1], cv2.IMREAD_COLOR),
        "erase25pct": erase,
        "to_float_normalize": normalize,
        "flip_colorjitter_normalize": lambda x: normalize(jitter(cv2.flip(x, 1))),
    }


def albumentations(photo, side):
    import albumentations as A
    import cv2
    import numpy as np
    from albumentations.pytorch import ToTensorV2

    cv2.setNumThreads(1)
    suffix = "" if A.__version__.startswith("2.0") else "_range"

    def jitter(**ranges):
        neutral = {"brightness": (1, 1), "contrast": (1, 1), "saturation": (1, 1), "hue": (0, 0)}
        return A.ColorJitter(**{name + suffix: value for name, value in (neutral | ranges).items()}, p=1)

    def ranged(maker, name, value, other, **others):
        try:
            return maker(**{name: value}, **others, p=1)
        except (TypeError, ValueError):
            return maker(**{other: value}, **others, p=1)

    normalize = A.Compose([A.Normalize(mean=MEAN, std=STD), ToTensorV2()])
    all_four = jitter(brightness=(0.6, 1.4), contrast=(0.6, 1.4), saturation=(0.6, 1.4), hue=(-0.1, 0.1))
    fused = A.Compose([A.HorizontalFlip(p=1), all_four, A.Normalize(mean=MEAN, std=STD), ToTensorV2()])
    linear, nearest = cv2.INTER_LINEAR, cv2.INTER_NEAREST
    made = {
        "hflip": A.HorizontalFlip(p=1),
        "vflip": A.VerticalFlip(p=1),
        "rotate15_nearest": A.Rotate((15, 15), interpolation=nearest, p=1),
        "rotate15_bilinear": A.Rotate((15, 15), interpolation=linear, p=1),
        "resize224_aa": A.Resize(OUT, OUT, interpolation=cv2.INTER_AREA, p=1),
        "resize224_noaa": A.Resize(OUT, OUT, interpolation=linear, p=1),
        "rrc224": A.RandomResizedCrop(size=(OUT, OUT), interpolation=cv2.INTER_AREA, p=1),
        "brightness1.3": jitter(brightness=(1.3, 1.3)),
        "contrast1.3": jitter(contrast=(1.3, 1.3)),
        "saturation1.3": jitter(saturation=(1.3, 1.3)),
        "hue0.1": jitter(hue=(0.1, 0.1)),
        "colorjitter": all_four,
        "grayscale3": A.ToGray(num_output_channels=3, p=1),
        "invert": A.InvertImg(p=1),
        "posterize4": A.Posterize(num_bits=(4, 4), p=1),
        "solarize128": A.Solarize(threshold_range=(0.5, 0.5), p=1),
        "autocontrast": A.AutoContrast(p=1),
        "equalize": A.Equalize(p=1),
        "sharpness1.5": ranged(A.Sharpen, "alpha", (0.5, 0.5), "alpha_range"),
        "gaussian_blur5": ranged(A.GaussianBlur, "blur_limit", (5, 5), "blur_range"),
        "erase25pct": A.Erasing(scale=(0.25, 0.25), ratio=(1, 1), p=1),
        "to_float_normalize": normalize,
        "flip_colorjitter_normalize": fused,
    }

    def call(transform):
        def run(x):
            result = transform(image=x)["image"]
            # A flip may come back as a view.
            return np.ascontiguousarray(result) if isinstance(result, np.ndarray) else result

        return run

    return photo, {name: call(transform) for name, transform in made.items()}


def kornia_rs(photo, side):
    from kornia_rs import augmentations, imgproc
    from kornia_rs.image import Image

    crop, (start, end) = boxes(side), corners(side)
    middle, k = (side - 1) / 2, side / 256
    jitter = augmentations.ColorJitter(0.4, 0.4, 0.4, 0.1)
    mean, std = list(MEAN), list(STD)

    def around_middle(degrees, scale, x, y):
        a, b = scale * math.cos(math.radians(degrees)), scale * math.sin(math.radians(degrees))
        return (a, b, (1 - a) * middle - b * middle + x, -b, a, (1 - a) * middle + b * middle + y)

    turn, affine = around_middle(15, 1, 0, 0), around_middle(-10, 1.1, 20 * k, 10 * k)
    perspective = homography(start, end)

    def resized_crop(x):
        i, j, h, w = next(crop)
        return imgproc.resize(imgproc.crop(x, j, i, w, h), (OUT, OUT), "bilinear", True)

    # Its brightness adds, its hue turns RGB, its resize has no antialiasing.
    return photo, {
        "hflip": imgproc.horizontal_flip,
        "vflip": imgproc.vertical_flip,
        "rotate15_nearest": lambda x: imgproc.warp_affine(x, turn, (side, side), "nearest"),
        "rotate15_bilinear": lambda x: imgproc.warp_affine(x, turn, (side, side), "bilinear"),
        "affine_bilinear": lambda x: imgproc.warp_affine(x, affine, (side, side), "bilinear"),
        "perspective_bilinear": lambda x: imgproc.warp_perspective(x, perspective, (side, side), "bilinear"),
        "resize224_noaa": lambda x: imgproc.resize(x, (OUT, OUT), "bilinear", False),
        "rrc224": resized_crop,
        "brightness1.3": lambda x: Image.from_numpy(x).adjust_brightness(0.3),
        "contrast1.3": lambda x: Image.from_numpy(x).adjust_contrast(1.3),
        "saturation1.3": lambda x: Image.from_numpy(x).adjust_saturation(1.3),
        "hue0.1": lambda x: Image.from_numpy(x).adjust_hue(0.1),
        "colorjitter": lambda x: jitter(Image.from_numpy(x)),
        "grayscale3": lambda x: imgproc.rgb_from_gray(imgproc.gray_from_rgb(x)),
        "gaussian_blur5": lambda x: imgproc.gaussian_blur(x, (5, 5), (1.0, 1.0)),
    }


def homography(start, end):
    """The 3 × 3 matrix, as 9 numbers, that moves four points."""
    import numpy as np

    rows, right = [], []
    for (x, y), (u, v) in zip(start, end):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    return (*map(float, np.linalg.solve(np.array(rows, float), np.array(right, float))), 1.0)


def pillow(photo, side):
    from PIL import Image, ImageEnhance, ImageFilter, ImageOps

    crop = boxes(side)
    bilinear, flip = Image.Resampling.BILINEAR, Image.Transpose
    return Image.fromarray(photo), {
        "hflip": lambda x: x.transpose(flip.FLIP_LEFT_RIGHT),
        "vflip": lambda x: x.transpose(flip.FLIP_TOP_BOTTOM),
        "rotate15_nearest": lambda x: x.rotate(15),
        "rotate15_bilinear": lambda x: x.rotate(15, bilinear),
        "resize224_aa": lambda x: x.resize((OUT, OUT), bilinear),
        "rrc224": lambda x: (lambda i, j, h, w: x.resize((OUT, OUT), bilinear, box=(j, i, j + w, i + h)))(*next(crop)),
        "brightness1.3": lambda x: ImageEnhance.Brightness(x).enhance(1.3),
        "contrast1.3": lambda x: ImageEnhance.Contrast(x).enhance(1.3),
        "saturation1.3": lambda x: ImageEnhance.Color(x).enhance(1.3),
        "grayscale3": lambda x: x.convert("L").convert("RGB"),
        "invert": ImageOps.invert,
        "posterize4": lambda x: ImageOps.posterize(x, 4),
        "solarize128": lambda x: ImageOps.solarize(x, 128),
        "autocontrast": ImageOps.autocontrast,
        "equalize": ImageOps.equalize,
        "sharpness1.5": lambda x: ImageEnhance.Sharpness(x).enhance(1.5),
        "gaussian_blur5": lambda x: x.filter(ImageFilter.GaussianBlur(1)),
    }


PEERS = {"torchvision": torchvision, "OpenCV": opencv, "Albumentations": albumentations, "kornia-rs": kornia_rs, "Pillow": pillow}


def timed(function, item):
    """Median seconds per call of 15 runs of at least 20 ms."""
    function(item)
    calls, elapsed = 1, 0.0
    while elapsed < 0.02:
        calls *= 2
        start = time.perf_counter()
        for _ in range(calls):
            function(item)
        elapsed = time.perf_counter() - start
    runs = []
    for _ in range(15):
        start = time.perf_counter()
        for _ in range(calls):
            function(item)
        runs.append((time.perf_counter() - start) / calls)
    return statistics.median(runs)


def measure(name):
    """Prints one library's figures as JSON lines; runs in a process of its own."""
    import numpy as np
    from PIL import Image

    cat = Image.open(ROOT / "fixtures" / "photo-cat-96x64.png")
    for side in SIZES:
        photo = np.array(cat.resize((side, side), Image.Resampling.BICUBIC))
        item, ops = PEERS[name](photo, side)
        for op, function in ops.items():
            try:
                print(json.dumps([op, side, timed(function, item) * 1e6]), flush=True)
            except Exception as error:
                print(f"{name} {op}: {error}", file=sys.stderr)


def ours():
    """Figures of criterion: the medians of `cargo bench --bench transforms`."""
    subprocess.run(["cargo", "bench", "--bench", "transforms", "--", "--noplot"], cwd=ROOT, check=True,
                   stdout=subprocess.DEVNULL, env=os.environ | KEEP_MEMORY)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    for file in (target / "criterion" / "op").glob("*/*/new/estimates.json"):
        nanoseconds = json.loads(file.read_text())["median"]["point_estimate"]
        yield file.parts[-4], int(file.parts[-3]), nanoseconds / 1000


def peer(name):
    command = [sys.executable, __file__, "--measure", name]
    run = subprocess.run(command, env=os.environ | SINGLE_THREAD | KEEP_MEMORY, capture_output=True, text=True)
    if run.returncode != 0:
        print(f"{name} does not take part: {run.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
    return [json.loads(line) for line in run.stdout.splitlines()]


def table(figures):
    names = [name for name in PEERS if any(name in row for row in figures.values())]
    print("| op | size | ours µs | " + " | ".join(names) + " | best of them ÷ ours |")
    print("|---|---|---|" + "---|" * (len(names) + 1))
    for (op, side), row in figures.items():
        if "ours" not in row:
            continue
        medians = {name: statistics.median(values) for name, values in row.items()}
        mine = medians.pop("ours")
        cells = [f"{medians[name]:.0f}" if name in medians else "" for name in names]
        ratio = f"{min(medians.values()) / mine:.2f}" if medians else ""
        print(f"| {op} | {side} | {mine:.1f} | " + " | ".join(cells) + f" | {ratio} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--measure", choices=PEERS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        return measure(arguments.measure)
    figures = defaultdict(lambda: defaultdict(list))
    for _ in range(arguments.passes):
        for op, side, microseconds in ours():
            figures[op, side]["ours"].append(microseconds)
        for name in PEERS:
            for op, side, microseconds in peer(name):
                figures[op, side][name].append(microseconds)
    table(figures)


if __name__ == "__main__":
    main()
