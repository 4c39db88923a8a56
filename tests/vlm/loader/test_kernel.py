"""The Triton kernel against the oracle: in Triton's interpreter anywhere, and on a GPU (`-m gpu`)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from vlm.loader.config import ImageConfig
from vlm.loader.geometry import jobs
from vlm.loader.images import resize_to_patches

CASES = [  # patch, size, width, height
    (8, 32, 47, 33),
    (14, 28, 90, 61),
    (16, 32, 10, 7),
    (16, 32, 1, 1),
    (8, 16, 200, 5),
]
FEW = [(8, 16, 21, 13)]
LEVELS = 2 / 255 / 0.5  # 2 of 255 levels, in units of the normalised result (std 0.5)

INTERPRETED = """
import sys, torch
torch.set_num_threads(1)
from vlm.loader.config import ImageConfig
from vlm.loader.geometry import jobs
from vlm.loader.images import resize_to_patches
from vlm.loader.kernel import resize_to_patches_triton
torch.manual_seed(0)
worst = 0.0
for resample in ("bicubic", "bilinear"):
    for patch, size, width, height in {cases}:
        for mode in {modes}:
            config = ImageConfig(mode=mode, size=size, patch=patch, resample=resample, max_patches=16)
            images = [torch.randint(0, 256, (3, height, width), dtype=torch.uint8), None,
                      torch.randint(0, 256, (height, width, 3), dtype=torch.uint8).permute(2, 0, 1)]
            work = [j for i in range(3) for j in jobs(i, width, height, config)]
            want = resize_to_patches(images, work, config)
            got = resize_to_patches_triton(images, work, config, dtype=torch.float32, device="cpu")
            assert got.shape == want.shape
            worst = max(worst, float((got - want).abs().max()))
print(worst)
"""


@pytest.mark.parametrize(
    ("cases", "modes"),
    [(FEW, ["fixed"]), pytest.param(CASES, ["fixed", "tiles", "native"], marks=pytest.mark.slow)],
    ids=["few", "all"],
)
@pytest.mark.slow
def test_the_kernel_agrees_with_the_oracle_in_the_interpreter(cases, modes):
    pytest.importorskip("triton")
    done = subprocess.run(
        [sys.executable, "-c", INTERPRETED.format(cases=cases, modes=modes)],
        cwd=Path(__file__).parents[3],
        env=os.environ | {"TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert 0 < float(done.stdout) <= LEVELS


gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@pytest.mark.gpu
@gpu
@pytest.mark.parametrize("resample", ["bicubic", "bilinear"])
@pytest.mark.parametrize("mode", ["fixed", "tiles", "native"])
@pytest.mark.parametrize(("patch", "size", "width", "height"), [*CASES, (14, 392, 500, 375), (16, 384, 2048, 1365)])
def test_the_kernel_agrees_with_the_oracle_on_a_gpu(resample, mode, patch, size, width, height):
    from vlm.loader.kernel import resize_to_patches_triton

    config = ImageConfig(mode=mode, size=size, patch=patch, resample=resample, max_patches=1024)
    images = [torch.randint(0, 256, (3, height, width), dtype=torch.uint8), None]
    work = [j for i in range(2) for j in jobs(i, width, height, config)]
    want = resize_to_patches(images, work, config)
    there = [None if i is None else i.cuda() for i in images]
    got = resize_to_patches_triton(there, work, config, dtype=torch.float32, device="cuda")
    assert (got.cpu() - want).abs().max() <= LEVELS


@pytest.mark.gpu
@gpu
def test_a_corrupt_image_among_good_ones_is_the_only_one_lost_on_a_gpu():
    from loader_shards import jpeg

    from vlm.loader.decode import choose_decoder

    decoder = choose_decoder("auto", torch.device("cuda"))
    blobs = [torch.frombuffer(bytearray(jpeg(i)), dtype=torch.uint8) for i in range(9)]
    blobs[4] = torch.frombuffer(bytearray(b"\xff\xd8 broken"), dtype=torch.uint8)
    assert [p is None for p in decoder.decode(blobs)] == [i == 4 for i in range(9)]


@pytest.mark.gpu
@gpu
@pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype")
def test_the_stream_on_a_gpu_is_that_of_the_cpu_and_a_step_does_not_synchronise(small):
    from vlm.loader import Loader, LoaderConfig

    on_cpu = iter(Loader(LoaderConfig(**small)))
    on_gpu = iter(Loader(LoaderConfig(**small | {"device": "cuda", "threads": 2})))
    for _ in range(5):
        a, b = next(on_cpu), next(on_gpu)
        torch.cuda.set_sync_debug_mode("error")
        try:
            busy = b.patches.float().sum() + b.tokens.sum()
        finally:
            torch.cuda.set_sync_debug_mode("default")
        assert busy.isfinite()
        assert torch.equal(a.tokens, b.tokens.cpu())
        assert torch.equal(a.valid, b.valid.cpu())
        assert (a.patches - b.patches.cpu()).abs().mean() < LEVELS


@pytest.mark.filterwarnings("ignore:TRITON_DEFAULT_FP_FUSION")
@pytest.mark.slow
def test_the_kernel_compiles_for_a_gpu_that_is_not_here(monkeypatch, tmp_path):
    """Down to machine code for compute capability 9.0 (H100, H200): the compiler needs no device."""
    pytest.importorskip("triton")
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from vlm.loader.kernel import BLOCK, ROW, _resize

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    constants = {"CUBIC": True, "P": 14, "PB": 16, "B": BLOCK, "ROW": ROW}
    types = {"table": "*i64", "patch_job": "*i64", "patch_number": "*i32", "out": "*bf16"}
    types |= {"scale_ptr": "*fp32", "shift_ptr": "*fp32"} | dict.fromkeys(constants, "constexpr")
    made = triton.compile(ASTSource(_resize, types, constants), target=GPUTarget("cuda", 90, 32))
    assert len(made.asm["cubin"]) > 1000
    assert "wgmma" in made.asm["ptx"] or "mma.sync" in made.asm["ptx"]
