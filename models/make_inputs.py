#!/usr/bin/env python3
"""Make the small fixed inputs in inputs/: line.png, page.png, speech.wav, answers.json.

They are committed; run this only to change them. Needs numpy, Pillow, the
DejaVu fonts (Debian: fonts-dejavu) and, for the WAV, espeak-ng.
"""

import argparse
import json
import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ocr import draw_text

HERE = Path(__file__).resolve().parent
LINE = "Compiled ahead of time, 42 layers deep."
PAGE = [
    ("DejaVuSans-Bold.ttf", 36, "Ahead of Time"),
    ("DejaVuSerif.ttf", 24, "A model goes in, a program comes out."),
    ("DejaVuSans.ttf", 22, "Total: 128 operators, 37 kernels"),
    ("DejaVuSansMono.ttf", 22, "Speed 3.14 ms per image"),
    ("DejaVuSans.ttf", 18, "Every answer is checked twice."),
    ("DejaVuSerif-Bold.ttf", 28, "The End"),
]
PAGE_SIZE = (640, 448)
SENTENCES = [
    "A man is playing a guitar on the stage.",
    "Someone performs music with a string instrument.",
    "The stock market fell sharply on Monday.",
    "Share prices dropped a lot at the start of the week.",
    "How do I bake bread without yeast?",
    "What is a recipe for a loaf that needs no leavening?",
]
SPEECH = "Hello there compiler."
RATE = 16000


def make_page():
    page = Image.new("L", PAGE_SIZE, 255)
    draw = ImageDraw.Draw(page)
    y = 30
    for row, (font, size, text) in enumerate(PAGE):
        face = ImageFont.truetype(font, size)
        draw.text((40 + 12 * (row % 3), y), text, fill=0, font=face)
        y += size + 42
    return page


def make_speech():
    """Half a second of faint noise, espeak-ng's voice, noise up to two seconds.

    Returns the samples and the seconds at which the voice starts and ends.
    """
    with tempfile.TemporaryDirectory() as tmp:
        path = Path(tmp) / "voice.wav"
        subprocess.run(["espeak-ng", "-v", "en-us", "-s", "170", "-w", path, SPEECH], check=True)
        with wave.open(str(path)) as source:
            source_rate = source.getframerate()
            voice = np.frombuffer(source.readframes(source.getnframes()), "<i2") / 32768
    # Resample in the frequency domain: keep the bins below the new Nyquist frequency.
    count = round(len(voice) * RATE / source_rate)
    voice = np.fft.irfft(np.fft.rfft(voice)[: count // 2 + 1], count) * RATE / source_rate
    loud = np.flatnonzero(np.abs(voice) > 0.01)
    voice = voice[loud[0] : loud[-1] + 1]
    voice *= 0.5 / np.abs(voice).max()
    signal = np.random.default_rng(0).normal(0, 0.001, 2 * RATE)
    start = RATE // 2
    end = start + len(voice)
    if end > 1.7 * RATE:
        raise SystemExit(f"the voice is {len(voice) / RATE:.2f} s long; at most 1.2 s fit")
    signal[start:end] += voice
    return signal, start / RATE, end / RATE


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dir", type=Path, default=HERE / "inputs")
    args = parser.parse_args()
    args.dir.mkdir(parents=True, exist_ok=True)

    draw_text(LINE).convert("L").save(args.dir / "line.png", optimize=True)
    make_page().save(args.dir / "page.png", optimize=True)
    signal, start, end = make_speech()
    with wave.open(str(args.dir / "speech.wav"), "wb") as target:
        target.setnchannels(1)
        target.setsampwidth(2)
        target.setframerate(RATE)
        target.writeframes((signal * 32767).round().astype("<i2").tobytes())
    answers = {
        "line": LINE,
        "page": [text for _, _, text in PAGE],
        "sentences": SENTENCES,
        "speech": {"text": SPEECH, "start": round(start, 3), "end": round(end, 3)},
    }
    (args.dir / "answers.json").write_text(json.dumps(answers, indent=2) + "\n")
    for path in sorted(args.dir.iterdir()):
        print(f"{path.stat().st_size:7d}  {path.name}")


if __name__ == "__main__":
    main()
