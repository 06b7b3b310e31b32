#!/usr/bin/env python3
"""Demonstrations: pretrained networks, compiled, on inputs whose answers a person can check.

  demo.py ocr           reads a line of text and a page out of pictures
  demo.py similarity    finds which sentences mean the same
  demo.py speech        finds the voice in a recording
  demo.py filetype      tells what kind of file a file is
  demo.py short         the line of text and the sentences

--nncc PATH compiles every model with that nncc and runs the library; without it ONNX Runtime runs
the model. Exit status: 0 all answers are right, 1 one is wrong, 2 something failed.
"""

import argparse
import json
import sys
import wave
from pathlib import Path

import numpy as np

import minilm
import models
import ocr
from runner import NnccRunner, OrtRunner, RunError

INPUTS = models.HERE / "inputs"
COLOUR = sys.stdout.isatty()


def answers():
    return json.loads((INPUTS / "answers.json").read_text())


def verdict(right):
    text = "right" if right else "WRONG"
    return f"\033[{32 if right else 31}m{text}\033[0m" if COLOUR else text


def step(text):
    """A line on what the compiler did, less loud than the answers."""
    print(f"  \033[2m{text}\033[0m" if COLOUR else f"  {text}", flush=True)


def title(text):
    print(f"\033[1m{text}\033[0m" if COLOUR else text, flush=True)


def open_image(path):
    from PIL import Image

    return Image.open(path).convert("RGB")


def shown(path):
    """A path as a person would type it here."""
    path = Path(path).resolve()
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


# ---------------------------------------------------------------------------- text in pictures


def read_lines(runner, model, images, characters):
    output = runner(model, {"x": ocr.rec_input(images)})
    return ocr.rec_decode(next(iter(output.values())), characters)


def demo_line(args, runner):
    """One line of text, printed beside what is drawn in the picture."""
    model = models.get("ppocr_rec", args.dir)
    characters = ocr.rec_characters(model)
    path, drawn = INPUTS / "line.png", answers()["line"]
    if args.image:
        path, drawn = args.image, None
    title(f"Reading text: {shown(path)}")
    [(read, score)] = read_lines(runner, model, [open_image(path)], characters)
    print(f"  read    {read}   ({score:.1%} sure)")
    if drawn is None:
        return True
    print(f"  drawn   {drawn}   {verdict(read == drawn)}")
    return read == drawn


def demo_ocr(args, runner):
    """A line, its orientation, and a page: find the lines, then read each."""
    right = demo_line(args, runner)
    line = open_image(args.image or INPUTS / "line.png")
    classifier = models.get("ppocr_cls", args.dir)
    output = runner(classifier, {"x": ocr.cls_input([line, line.rotate(180)])})
    for angle, row in zip((0, 180), next(iter(output.values()))):
        found = (0, 180)[int(row.argmax())]
        right &= found == angle
        mark = verdict(found == angle)
        print(f"  turned by {angle:3d}: seen as {found:3d} ({row.max():.1%} sure) {mark}")

    path, expected = INPUTS / "page.png", answers()["page"]
    title(f"Reading a page: {shown(path)}")
    page = open_image(path)
    output = runner(models.get("ppocr_det", args.dir), {"x": ocr.det_input(page)})
    boxes = ocr.det_boxes(next(iter(output.values()))[0, 0], page.size)
    model = models.get("ppocr_rec", args.dir)
    characters = ocr.rec_characters(model)
    crops = [page.crop(box) for box in boxes]
    lines = [text for text, _ in read_lines(runner, model, crops, characters)] if boxes else []
    for index, (box, read) in enumerate(zip(boxes, lines)):
        good = index < len(expected) and read == expected[index]
        print(f"  {str(box):22} {read}   {verdict(good)}")
    if args.picture:
        ocr.draw_boxes(page, boxes, lines).save(args.picture)
        print(f"  boxes drawn in {shown(args.picture)}")
    return right and lines == expected


# ---------------------------------------------------------------------------------- sentences


def demo_similarity(args, runner):
    """Rank sentences by meaning: each one's nearest must be its paraphrase."""
    model = models.get("minilm", args.dir)
    sentences = answers()["sentences"]
    feeds = minilm.WordPiece(Path(args.dir) / "minilm/vocab.txt").batch(sentences)
    title("Comparing meaning: the nearest of six sentences (cosine)")
    vectors = next(iter(runner(model, feeds).values()))
    cosine = vectors @ vectors.T
    right = bool(np.allclose(np.diag(cosine), 1, atol=1e-3))
    if not right:
        print(f"  vectors of length {np.sqrt(np.diag(cosine)).round(3)}, not 1   {verdict(False)}")
    for index, row in enumerate(cosine):
        order = [other for other in np.argsort(-row) if other != index]
        near, next_best = order[0], order[1]
        good = bool(near == index ^ 1 and row[near] > 0.5 and row[next_best] < 0.25)
        right &= good
        if index % 2 == 0:  # the sentences come as pairs of paraphrases
            print(f"  {sentences[index]}")
            print(f"    {row[near]:.2f}  {sentences[near]}   {verdict(good)}")
            print(f"    {row[next_best]:.2f}  {sentences[next_best]}")
    return right


# ------------------------------------------------------------------------------------- speech


def read_wav(path):
    """16 kHz mono 16-bit WAV as float32 in -1..1."""
    with wave.open(str(path)) as file:
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (16000, 1, 2):
            raise RunError(f"{path}: need 16 kHz, mono, 16 bit")
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    return samples.astype(np.float32) / 32768


def vad_windows(samples, size=512, context=64):
    """[count, context + size]: each chunk with the end of the one before it."""
    count = -(-len(samples) // size)
    padded = np.zeros(context + count * size, np.float32)
    padded[context : context + len(samples)] = samples
    windows = np.lib.stride_tricks.sliding_window_view(padded, context + size)
    return np.ascontiguousarray(windows[::size])


def speech_probabilities(args, runner, samples):
    """One probability per 32 ms chunk of 16 kHz audio."""
    windows = vad_windows(samples)
    model = models.get(args.variant, args.dir)
    if args.variant == "silero_vad_sequence":  # the whole recording in one run
        zero = np.zeros((1, 1, 128), np.float32)
        return runner(model, {"input": windows, "h": zero, "c": zero})["speech_probs"]
    state = np.zeros((2, 1, 128), np.float32)  # one run per chunk, the state carried over
    inputs = {name for name, _, _ in models.graph_inputs(model)}
    rate = {"sr": np.array(16000, np.int64)} if "sr" in inputs else {}
    result = []
    for window in windows:
        output = runner(model, {"input": window[None], "state": state, **rate})
        result.append(output["output"].item())
        state = output["stateN"]
    return np.array(result)


def demo_speech(args, runner):
    """Mark the voice in two seconds of sound."""
    path, truth = INPUTS / "speech.wav", answers()["speech"]
    title(f"Finding speech: {shown(path)}")
    values = speech_probabilities(args, runner, read_wav(path))
    for index in range(0, len(values), 4):
        value = values[index : index + 4].mean()
        print(f"  {index * 0.032:5.2f} s  {value:5.3f}  {'#' * round(40 * value)}")
    centre = (np.arange(len(values)) + 0.5) * 0.032
    said = (centre > truth["start"]) & (centre < truth["end"])
    # The detector needs a moment to hear a voice begin and to hear it is over.
    quiet = (centre < truth["start"] - 0.05) | (centre > truth["end"] + 0.2)
    high, low = values[said].mean(), values[quiet].mean()
    right = bool(high > 0.7 and low < 0.2)
    print(f"  the voice is at {truth['start']:.2f}-{truth['end']:.2f} s: '{truth['text']}'")
    print(f"  mean in speech {high:.3f}, in silence {low:.3f}   {verdict(right)}")
    return right


# --------------------------------------------------------------------------------- file types


def magika_input(data, config):
    """First and last bytes of a file, white space stripped, 256 for padding."""
    block, size, pad = config["block_size"], config["beg_size"], config["padding_token"]
    begin = list(data[:block].lstrip()[:size])
    end = list(data[-block:].rstrip()[-size:])
    return np.int32(begin + [pad] * (size - len(begin)) + [pad] * (size - len(end)) + end)


def demo_filetype(args, runner):
    """Name the type of four files by their bytes."""
    model = models.get("magika", args.dir)
    config = json.loads((Path(args.dir) / "magika.json").read_text())
    known = {
        INPUTS / "line.png": "png",
        INPUTS / "speech.wav": "wav",
        INPUTS / "answers.json": "json",
        Path(ocr.__file__): "python",
    }
    title("Telling file types")
    rows = [magika_input(path.read_bytes(), config) for path in known]
    scores = next(iter(runner(model, {"bytes": np.stack(rows)}).values()))
    right = True
    for (path, kind), row in zip(known.items(), scores):
        label = config["target_labels_space"][int(row.argmax())]
        right &= label == kind
        print(f"  {path.name:14} {label:10} ({row.max():.1%}) {verdict(label == kind)}")
    return right


# --------------------------------------------------------------------------------- the command


def demo_short(args, runner):
    line = demo_line(args, runner)
    print()
    return demo_similarity(args, runner) and line


DEMOS = {
    "short": demo_short,
    "line": demo_line,
    "ocr": demo_ocr,
    "similarity": demo_similarity,
    "speech": demo_speech,
    "filetype": demo_filetype,
}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("demo", choices=list(DEMOS), metavar="DEMO", help=", ".join(DEMOS))
    parser.add_argument("--dir", type=Path, default=models.CACHE, help="model cache")
    parser.add_argument("--nncc", type=Path, help="compile and run with this nncc")
    parser.add_argument("--threads", type=int, default=0, help="default: all processors")
    parser.add_argument("--image", type=Path, help="read this line of text instead")
    parser.add_argument("--picture", type=Path, help="draw the page's boxes in this .png")
    parser.add_argument(
        "--variant",
        default="silero_vad_sequence",
        help="which silero model; all but the default run once per 32 ms",
    )
    args = parser.parse_args()
    try:
        if args.nncc:
            folder = args.dir / "compiled"
            runner = NnccRunner(args.nncc, folder, args.threads, notify=step)
        else:
            runner = OrtRunner(args.threads)
        right = DEMOS[args.demo](args, runner)
    except (RunError, RuntimeError, KeyError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print()
    print(f"{runner.calls} runs in {runner.seconds:.2f} s with {runner.name}")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
