# What Winograd's tiles err when their points are rounded, by reckoning: F(2×2, 3×3) and F(4×4, 3×3), to bfloat16 or to integers, beside float64.
# Root mean square errors of the results, relative, in percent; inputs are rounded to bfloat16, results are not. `python bench/winograd-errors.py`, which needs NumPy.
import numpy as np

A, B = 0.625, 1.5  # the points of F(4×4, 3×3) are 0, ±A, ±B and infinity


def matrices_4x4():
    """Bᵀ of the image, G of the filter and Aᵀ of the outputs: see winograd-transform.h."""
    points = [0, A, -A, B, -B]
    outputs = np.array([[p**j for p in points] + [float(j == 3)] for j in range(4)])
    norms = [np.prod([p - q for q in points if q != p]) for p in points]
    filters = np.array([[p**i / n for i in range(3)] for p, n in zip(points, norms)] + [[0, 0, 1]])
    image = [np.pad(np.poly([q for q in points if q != p])[::-1], (0, 1)) for p in points]
    return np.array(image + [np.poly(points)[::-1]]), filters, outputs


def matrices_2x2():
    image = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]])
    filters = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
    return image, filters, np.array([[1, 1, 1, 0], [0, 1, -1, -1]])


def bfloat16(values):
    bits = values.astype(np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32).astype(np.float64)


def steps(values, axes, most):
    """Rounded to whole steps, of which the largest value along these axes has `most`."""
    size = np.abs(values).max(axes, keepdims=True) / most
    return np.rint(values / size) * size


def error(got, expected):
    return 100 * np.sqrt(((got - expected) ** 2).mean() / (expected**2).mean())


def square(matrix, values):
    """A transform over the two axes behind the first."""
    return np.einsum("pi,qj,tijc->tpqc", matrix, matrix, values)


def forward(matrices, round_image, round_filter, channel_sizes=1.0, balanced=False, channels=128, outputs=48, tiles=24):
    image, filters, back = matrices
    window = image.shape[1]
    draw = np.random.default_rng(1)
    x = bfloat16(np.maximum(draw.standard_normal((tiles, window, window, channels)), 0) * channel_sizes)
    w = draw.standard_normal((1, 3, 3, channels * outputs)) / np.repeat(np.ones(channels) * channel_sizes, outputs)
    v, u = square(image, x), square(filters, w).reshape(*[len(filters)] * 2, channels, outputs)
    largest = np.abs(w).reshape(9, channels, outputs).max((0, 2)) if balanced else np.ones(channels)
    result = lambda v, u: np.einsum("jp,lq,tpqc,pqck->tjlk", back, back, v, u, optimize=True)
    return error(result(round_image(v * largest), round_filter(u / largest[:, None])), result(v, u))


def weight_gradient(round_points, slope_sizes=1.0, channels=32, tiles=1024, group=64):
    image, filters, back = matrices_4x4()
    draw = np.random.default_rng(2)
    x = bfloat16(np.maximum(draw.standard_normal((tiles, 6, 6, channels)), 0))
    dy = bfloat16(draw.standard_normal((tiles, 4, 4, channels)))
    v, z = square(image, x), square(back.T, dy)
    by_group = lambda values: np.concatenate([round_points(values[t : t + group]) for t in range(0, tiles, group)])
    result = lambda v, z: np.einsum("pi,qj,tpqc,tpqk->ijck", filters, filters, v, z, optimize=True)
    sizes = np.outer(slope_sizes, slope_sizes)[None, :, :, None] * np.ones((1, 6, 6, 1))
    return error(result(by_group(v), by_group(z * sizes) / sizes), result(v, z))


def main():
    by_tile = lambda v: steps(v, (1, 2, 3), 4095)
    by_output = lambda u: steps(u, (2,), 4095)
    sizes = np.exp(np.random.default_rng(3).standard_normal(128))
    quarter = np.array([1, 1, 1, 0.25, 0.25, 1])
    print(f"forward, F(2×2) with bfloat16                    {forward(matrices_2x2(), bfloat16, bfloat16):.2f} %")
    print(f"forward, F(4×4) with bfloat16                    {forward(matrices_4x4(), bfloat16, bfloat16):.2f} %")
    print(f"forward, F(4×4) with integers                    {forward(matrices_4x4(), by_tile, by_output):.2f} %")
    print(f"  channels that differ in size, balanced         {forward(matrices_4x4(), by_tile, by_output, sizes, balanced=True):.2f} %")
    print(f"  and not                                        {forward(matrices_4x4(), by_tile, by_output, sizes):.2f} %")
    print(f"weight gradient, F(4×4) with bfloat16            {weight_gradient(bfloat16):.2f} %")
    print(f"weight gradient, F(4×4) with integers            {weight_gradient(lambda v: steps(v, (0, 1, 2), 5792), quarter):.2f} %")
    print(f"  the points ±3/2 not by a quarter               {weight_gradient(lambda v: steps(v, (0, 1, 2), 5792), np.ones(6)):.2f} %")


main()
