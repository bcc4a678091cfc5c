"""Count sketches of vectors: against dense matrices, by hand, and over many streams of hashes."""

import hashlib

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st

from interference_service.core import projector as projector_module, sketch as sketch_module
from interference_service.core.layers import Layer
from interference_service.core.projector import Projector, sketched
from interference_service.core.sketch import (
    REPLICATES,
    Projection,
    hashed_shifts,
    hashed_signs,
    projection_of,
)

MASK = (1 << 64) - 1
WIDTH = 8
CPU = torch.device("cpu")


def layers(**counts: int) -> list[Layer]:
    return [Layer(name, (f"{name}.weight",), count, head=False) for name, count in counts.items()]


def slow_key(seed: int, stream: str, position: int) -> int:
    digest = hashlib.blake2b(stream.encode(), digest_size=8, key=str(seed).encode()).digest()
    z = (int.from_bytes(digest, "little") + (position + 1) * 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def slow_matrix(seed: int, name: str, count: int, width: int, replicate: int) -> np.ndarray:
    """S_j as it is written down: one sign and one bucket for every coordinate."""
    S = np.zeros((width, count))
    for i in range(count):
        run, place = divmod(i, width)
        minus = slow_key(seed, f"{name}#signs", i) >> replicate & 1
        shift = slow_key(seed, f"{name}#shifts", run * REPLICATES + replicate) % width
        S[(place - shift) % width, i] = -1.0 if minus else 1.0
    return S


def sketch(x: np.ndarray, width: int = WIDTH, *, seed: int = 0, name: str = "a") -> np.ndarray:
    signs, shifts = hashed_signs(seed, name, len(x)), hashed_shifts(seed, name, len(x), width)
    return sketched(
        torch.from_numpy(x), torch.from_numpy(signs), torch.from_numpy(shifts), width
    ).numpy()


def products(x: np.ndarray, y: np.ndarray, seeds: int, width: int = WIDTH) -> np.ndarray:
    """⟨S_j x, S_j y⟩ for many streams of hashes. Has shape ``[seeds, b]``."""
    return np.stack(
        [
            (sketch(x, width, seed=seed) * sketch(y, width, seed=seed)).sum(1)
            for seed in range(seeds)
        ]
    )


def pair(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two vectors at an angle, their weight unequally spread."""
    x, y = np.random.default_rng(seed).standard_normal((2, count))
    x[: count // 3] *= 3
    return x, 0.5 * x + y


def test_a_vector_of_three_runs_worked_out_by_hand():
    # Replicate 0 rolls the runs (1, 2, 3), (4, 5, 6) and (7) by 0, 1 and 2, and turns 2, 5 and 7:
    # (1, -2, 3) + (-5, 6, 4) + (0, -7, 0). Replicate 1 changes nothing but the sign of 7.
    signs = torch.tensor([0, 1, 0, 0, 1, 0, 3], dtype=torch.uint8)
    shifts = torch.zeros(3, REPLICATES, dtype=torch.int32)
    shifts[:, 0] = torch.tensor([0, 1, 2])
    found = sketched(torch.arange(1.0, 8.0), signs, shifts, 3)
    assert found.dtype == torch.float64
    assert found.tolist() == [[-4, -3, 7], [-2, 7, 9], *[[12, 7, 9]] * (REPLICATES - 2)]


@given(
    seed=st.integers(-3, 1 << 40),
    name=st.text(max_size=8),
    count=st.integers(1, 40),
    width=st.integers(1, 12),
)
def test_every_replicate_is_the_matrix_that_the_convention_writes_down(seed, name, count, width):
    x = np.arange(1.0, count + 1)
    found = sketch(x, width, seed=seed, name=name)
    for j in range(REPLICATES):
        np.testing.assert_array_equal(found[j], slow_matrix(seed, name, count, width, j) @ x)


def test_inner_products_are_unbiased_with_the_variance_of_a_count_sketch():
    """(Σ over pairs in different runs of x_i² y_j² + x_i y_i x_j y_j) / w, and by b for the mean.

    The sum over all pairs is ‖x‖²‖y‖² + ⟨x, y⟩², those in one run are the same of the runs.
    """
    x, y = pair(3 * WIDTH, seed=0)
    found = products(x, y, seeds=1500)
    runs = [(x[i : i + WIDTH], y[i : i + WIDTH]) for i in range(0, len(x), WIDTH)]
    everything, within = (
        sum((v @ v) * (w @ w) + (v @ w) ** 2 for v, w in each) for each in ([(x, y)], runs)
    )
    variance = (everything - within) / WIDTH
    # Bounds are four standard errors of 12 000 products and of 1500 means.
    assert abs(found.mean() - x @ y) < 4 * np.sqrt(variance / found.size)
    assert found.var() == pytest.approx(variance, rel=0.06)
    assert found.mean(1).var() == pytest.approx(variance / REPLICATES, rel=0.15)
    textbook = (everything - 2 * (x**2 * y**2).sum()) / WIDTH
    assert variance < 0.85 * textbook


def test_runs_of_one_coordinate_have_the_variance_of_the_textbook():
    """With one bucket every coordinate is a run: (‖x‖²‖y‖² + ⟨x, y⟩² − 2 Σ x_i² y_i²) / w, w = 1."""
    x, y = pair(12, seed=1)
    found = products(x, y, seeds=1000, width=1)
    variance = (x @ x) * (y @ y) + (x @ y) ** 2 - 2 * (x**2 * y**2).sum()
    assert abs(found.mean() - x @ y) < 4 * np.sqrt(variance / found.size)
    assert found.var() == pytest.approx(variance, rel=0.1)


def test_a_run_meets_no_collision_within_itself():
    x, y = pair(WIDTH, seed=2)
    np.testing.assert_allclose(products(x, y, seeds=5), x @ y, rtol=1e-12)


def test_coordinates_of_two_runs_meet_once_in_as_many_streams_as_there_are_buckets():
    """Binomial with n = 8000 and p = 1/8: 1000 with a standard deviation of 30."""
    x, y = np.zeros((2, 2 * WIDTH))
    x[3] = y[WIDTH + 6] = 1.0
    met = products(x, y, seeds=1000)
    assert set(np.unique(met)) == {-1.0, 0.0, 1.0}
    assert abs((met != 0).sum() - 1000) < 120
    assert abs(met.sum()) < 4 * np.sqrt((met != 0).sum())


def test_a_sum_of_sketches_is_the_sketch_of_the_sum():
    x, y = np.random.default_rng(3).integers(-9, 9, (2, 100)).astype(float)
    np.testing.assert_array_equal(sketch(2 * x - 3 * y), 2 * sketch(x) - 3 * sketch(y))


def test_narrow_vectors_are_summed_in_64_bits():
    """In 32 bits 2²⁴ + 1 is 2²⁴, so a sum there would lose the second run."""
    x = torch.tensor([2.0**24, 1.0], dtype=torch.float32)
    signs = torch.zeros(2, dtype=torch.uint8)
    shifts = torch.zeros(2, REPLICATES, dtype=torch.int32)
    for chunk in (1, 2):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(projector_module, "_CHUNK_ENTRIES", {"cpu": chunk})
            found = sketched(x, signs, shifts, 1)
        assert found.tolist() == [[2.0**24 + 1]] * REPLICATES


@pytest.mark.parametrize("chunk", [1, 3 * WIDTH, 5 * WIDTH - 1])
def test_the_size_of_the_chunks_does_not_matter(monkeypatch, chunk):
    x = np.arange(1.0, 12 * WIDTH + 4)
    whole = sketch(x)
    monkeypatch.setattr(projector_module, "_CHUNK_ENTRIES", {"cpu": chunk})
    monkeypatch.setattr(sketch_module, "_HASHED_AT_ONCE", chunk)
    np.testing.assert_array_equal(sketch(x), whole)


@pytest.mark.parametrize("other", [{"seed": 1}, {"name": "b"}])
def test_other_seeds_and_layers_have_other_hashes(other):
    first, second = {"seed": 0, "name": "a"}, {"seed": 0, "name": "a", **other}
    signs = [hashed_signs(count=8000, **each) for each in (first, second)]
    shifts = [hashed_shifts(count=8000, width=8, **each) for each in (first, second)]
    # Of 8000 shifts an eighth agrees by chance, of 64 000 bits a half; four standard deviations.
    assert abs((shifts[0] == shifts[1]).sum() - 1000) < 120
    assert abs(int(np.unpackbits(signs[0] ^ signs[1]).sum()) - 32_000) < 510


def test_signs_and_shifts_of_different_replicates_are_unrelated():
    bits = (hashed_signs(0, "a", 10_000)[:, None] >> np.arange(REPLICATES)) & 1
    columns = np.concatenate([bits, hashed_shifts(0, "a", 80_000, 8)], axis=1).astype(float)
    correlation = np.corrcoef(columns.T) - np.eye(2 * REPLICATES)
    assert np.abs(correlation).max() < 4.5 / np.sqrt(len(columns))


def test_layers_as_long_as_their_sketch_are_kept_and_longer_ones_are_not():
    found = projection_of(layers(a=5, b=24, c=25, d=100), 24)
    assert found.ranges == ((0, 5), (5, 29), (29, 53), (53, 77))
    assert found.replicate_widths == (0, 0, 3, 3)
    assert [each.source for each in found.layers] == [(0, 5), (5, 29), (29, 54), (54, 154)]
    assert (found.length, found.width) == (77, 24)


def test_no_width_keeps_every_layer_and_the_gradient_itself():
    found = projection_of(layers(a=5, b=1000), 0)
    assert (found.ranges, found.replicate_widths) == (((0, 5), (5, 1005)), (0, 0))
    gradient = torch.arange(1005.0)
    assert Projector(found, CPU)(gradient) is gradient
    assert Projection((), 0).length == 0


@pytest.mark.parametrize("width", [7, 12, -1])
def test_a_width_that_replicates_cannot_share_is_refused(width):
    with pytest.raises(ValueError, match=f"multiple of 8; got {width}"):
        projection_of(layers(a=5), width)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_projector_keeps_short_layers_and_sketches_long_ones_by_their_names(dtype):
    projection = projection_of(layers(a=30, b=5, c=50), 16, seed=4)
    gradient = torch.from_numpy(np.random.default_rng(5).standard_normal(85)).to(dtype)
    found = Projector(projection, CPU)(gradient)
    assert found.dtype == dtype
    x = gradient.double().numpy()
    wanted = np.concatenate(
        [
            sketch(x[:30], 2, seed=4, name="a").reshape(-1),
            x[30:35],
            sketch(x[35:], 2, seed=4, name="c").reshape(-1),
        ]
    )
    np.testing.assert_array_equal(found[16:21].numpy(), gradient[30:35].numpy())
    np.testing.assert_allclose(found.numpy(), wanted, rtol=0, atol=1e-6)
    # Another worker, and the same one once more, find the same bits.
    for again in (Projector(projection, CPU)(gradient), Projector(projection, CPU)(gradient)):
        assert torch.equal(again, found)
