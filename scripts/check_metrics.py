"""Makes tests/data/metrics: a small network, pictures, and what metrics of heat maps should be on them.

    python scripts/check_metrics.py            # writes tests/data/metrics
    python scripts/check_metrics.py --check    # says whether that is what it would write

All in double precision with numpy alone, from the papers' formulas: the network and its gradients, the
draws (SHA-256 of seed, purpose, picture and numbers as key of ChaCha8), superpixels (SLIC), imputation
(the linear system, solved densely), networks with weights in random order. onnx writes the network and
Pillow the pictures; made with numpy 2.4, onnx 1.22, Pillow 13.0. `tests/cli/metrics.rs` compares the program to
1e-6, and sizes of files, which are Pillow's (another encoder makes other files), to 1 %.
"""

import hashlib
import io
import json
import struct
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent.parent / "tests/data/metrics"
SEED, SIDE, CLASSES, MAPS = 3, 24, 4, 5
IMAGES = ["a.png", "b.png", "c.png"]
M32, M64 = 0xFFFFFFFF, (1 << 64) - 1


class Draws:
    """ChaCha with 8 rounds, counter and stream 0, as words of 32 bits."""

    def __init__(self, purpose, image, *numbers):
        key = struct.pack("<Q", SEED)
        for text in (purpose, image):
            key += struct.pack("<Q", len(text.encode())) + text.encode()
        key += b"".join(struct.pack("<Q", n) for n in numbers)
        self.key = struct.unpack("<8I", hashlib.sha256(key).digest())
        self.block, self.words = 0, []

    def refill(self):
        start = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574, *self.key]
        start += [self.block & M32, self.block >> 32, 0, 0]
        s = list(start)

        def quarter(a, b, c, d):
            for x, y, z, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
                s[x] = (s[x] + s[y]) & M32
                v = s[z] ^ s[x]
                s[z] = ((v << turn) | (v >> (32 - turn))) & M32

        for _ in range(4):
            for k in range(4):
                quarter(k, 4 + k, 8 + k, 12 + k)
            for k in range(4):
                quarter(k, 4 + (k + 1) % 4, 8 + (k + 2) % 4, 12 + (k + 3) % 4)
        self.words += [(a + b) & M32 for a, b in zip(s, start)]
        self.block += 1

    def word(self):
        if not self.words:
            self.refill()
        return self.words.pop(0)

    def unit(self):
        return (self.word() >> 8) / 2**24

    def below(self, bound):
        while True:
            low = self.word()
            wide = (low | self.word() << 32) * bound
            if (wide & M64) >= (1 << 64) % bound:
                return wide >> 64

    def permutation(self, n):
        order = list(range(n))
        for i in range(n - 1, 0, -1):
            j = self.below(i + 1)
            order[i], order[j] = order[j], order[i]
        return order

    def normals(self, n):
        out = []
        while len(out) < n:
            radius = np.sqrt(-2 * np.log(1 - self.unit()))
            angle = 2 * np.pi * self.unit()
            out += [radius * np.cos(angle), radius * np.sin(angle)]
        return np.array(out[:n])


# ---- the network: convolution 3x3 with padding, ReLU, mean pooling 2x2, dense layer

def network():
    rng = np.random.default_rng(301)
    sixteenths = lambda shape, most: rng.integers(-most, most + 1, shape) / 16
    flat = MAPS * (SIDE // 2) ** 2
    return {"w": sixteenths((MAPS, 3, 3, 3), 12), "b": sixteenths(MAPS, 4),
            "v": sixteenths((CLASSES, flat), 3), "c": sixteenths(CLASSES, 8)}


def hidden(net, x):
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    z = np.zeros((MAPS, SIDE, SIDE)) + net["b"][:, None, None]
    for i in range(3):
        for j in range(3):
            z += np.einsum("oc,chw->ohw", net["w"][:, :, i, j], padded[:, i:i + SIDE, j:j + SIDE])
    return z


def logits(net, x):
    pooled = np.maximum(hidden(net, x), 0).reshape(MAPS, SIDE // 2, 2, SIDE // 2, 2).mean((2, 4))
    return net["v"] @ pooled.ravel() + net["c"]


def gradient(net, x, target):
    g = net["v"][target].reshape(MAPS, SIDE // 2, SIDE // 2).repeat(2, 1).repeat(2, 2) / 4
    g = g * (hidden(net, x) > 0)
    padded = np.pad(g, ((0, 0), (1, 1), (1, 1)))
    out = np.zeros((3, SIDE, SIDE))
    for i in range(3):
        for j in range(3):
            part = padded[:, 2 - i:2 - i + SIDE, 2 - j:2 - j + SIDE]
            out += np.einsum("oc,ohw->chw", net["w"][:, :, i, j], part)
    return out


METHODS = {
    "gradient:value=signed": lambda net, x, t: gradient(net, x, t),
    "gradient-x-input": lambda net, x, t: x * gradient(net, x, t),
}


def heat_map(net, method, x, target):
    return METHODS[method](net, x, target).sum(0)


def probability(z, target):
    return 1 / np.exp(z - z[target]).sum()


# ---- what metrics share

def ranks(values):
    """From 1, equal ones have the mean of theirs."""
    order = np.argsort(values, kind="stable")
    sorted_values, out, i = values[order], np.empty(len(values)), 0
    while i < len(values):
        j = i
        while j + 1 < len(values) and sorted_values[j + 1] == sorted_values[i]:
            j += 1
        out[order[i:j + 1]] = (i + j) / 2 + 1
        i = j + 1
    return out


def spearman(a, b):
    # sums of single precision and of double have their zeros in common, and hardly other ties
    return np.corrcoef(ranks(a.ravel()), ranks(b.ravel()))[0, 1]


def without(x, mask):
    return np.where(mask, x.mean((1, 2))[:, None, None], x)


def sets(image, region, size, samples=50):
    n = (SIDE // region) ** 2
    for draw in range(samples):
        rng, order = Draws("sets of squares", image, draw, n, size), list(range(n))
        for i in range(size):
            j = i + rng.below(n - i)
            order[i], order[j] = order[j], order[i]
        mask = np.zeros((SIDE, SIDE), bool)
        for k in order[:size]:
            y, x = k // (SIDE // region) * region, k % (SIDE // region) * region
            mask[y:y + region, x:x + region] = True
        yield mask


def falls(at, size):
    for mask in sets(at.image, 4, size):
        yield mask, at.z[at.target] - logits(at.net, without(at.x, mask))[at.target]


class At:
    """One picture and its class, explained by one method."""

    def __init__(self, net, image, x, box, method):
        self.net, self.image, self.x, self.box, self.method = net, image, x, box, method
        self.z = logits(net, x)
        self.target = int(self.z.argmax())
        self.heat = heat_map(net, method, x, self.target)
        self.scaled = self.x / (255 / 256)

    def again(self, net=None, x=None, target=None):
        x = self.x if x is None else x
        return heat_map(net or self.net, self.method, x, self.target if target is None else target)


# ---- the metrics

def sparseness(at):
    v, n = np.sort(np.abs(at.heat).ravel()), SIDE**2
    return ((2 * np.arange(1, n + 1) - n - 1) * v).sum() / (n * v.sum())


def bits(w):
    p = w[w > 0] / w.sum()
    return -(p * np.log2(p)).sum()


def grey(at):
    return np.floor(127.5 + 127.5 * at.heat / np.abs(at.heat).max() + 0.5)


def grey_entropy(at):
    return bits(np.unique(grey(at), return_counts=True)[1].astype(float))


def file_size(at, kind, **how):
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(grey(at).astype(np.uint8)).save(file, kind, **how)
    return len(file.getvalue()) / 1000


def chosen(at):
    """Pixels above the cut that leaves as many as the object has, and those that tie at it."""
    cut = np.sort(at.heat.ravel())[-at.box.sum()]
    return at.heat > cut, at.heat == cut


def rank_accuracy(at):
    above, tied = chosen(at)
    places = at.box.sum() - above.sum()
    return (at.box[above].sum() + places * at.box[tied].mean()) / at.box.sum()


def iou(at):
    above, tied = chosen(at)
    return (at.box & (above | tied)).sum() / (at.box | above | tied).sum()


def positive(at):
    v = np.maximum(at.heat, 0)
    return v[at.box], v[~at.box]


def pointing(at, tolerance):
    y, x = np.unravel_index(at.heat.argmax(), at.heat.shape)
    ys, xs = np.nonzero(at.box)
    return float(np.hypot(ys - y, xs - x).min() <= tolerance)


def completeness(at):
    return abs(at.z[at.target] - at.heat.sum()) / abs(at.z[at.target])


def random_logit(at):
    other = Draws("random logit", at.image).below(CLASSES - 1)
    return spearman(at.heat, at.again(target=other + (other >= at.target)))


def faithfulness(at, size=36 // 8):
    pairs = [(at.heat[mask].sum(), fall) for mask, fall in falls(at, size)]
    return np.corrcoef(np.array(pairs).T)[0, 1]


def sensitivity_n(at):
    return np.mean([faithfulness(at, size) for size in (1, 2, 4, 8, 16)])


def infidelity(at):
    removed = at.x - at.x.mean((1, 2))[:, None, None]
    full = METHODS[at.method](at.net, at.x, at.target)
    says = (removed * full if at.method != "gradient-x-input" else full).sum(0)
    r, d = np.array([(says[mask].sum(), fall) for mask, fall in falls(at, 36 // 8)]).T
    factor = max(0, (r @ d) / (r @ r))
    return ((factor * r - d) ** 2).sum() / (d @ d)


def robustness(at, relative_to_picture):
    found = []
    for draw in range(10):
        rng = Draws("robustness", at.image, draw)
        noise = np.array([2 * rng.unit() - 1 for _ in range(at.x.size)]).reshape(SIDE, SIDE, 3)
        step = 0.02 * noise.transpose(2, 0, 1) * (255 / 256)
        change = np.linalg.norm(at.again(x=at.x + step) - at.heat)
        by = np.linalg.norm(step / (255 / 256)) if relative_to_picture else np.linalg.norm(at.heat)
        found.append(change / by)
    return max(found)


def superpixels(picture, wanted):
    """SLIC on [0, 1] colours; a step of the grid weighs a tenth of the colour range."""
    step = max(1.0, np.sqrt(SIDE * SIDE / wanted))
    count = max(1, round(SIDE / step))
    middles = (np.arange(count) + 0.5) * SIDE / count
    centres = [(y, x, picture[:, int(y), int(x)]) for y in middles for x in middles]
    pixels = np.arange(SIDE) + 0.5
    for _ in range(10):
        best, owner = np.full((SIDE, SIDE), np.inf), np.zeros((SIDE, SIDE), int)
        for k, (y, x, colour) in enumerate(centres):
            near = (abs(pixels - y) <= 2 * step)[:, None] & (abs(pixels - x) <= 2 * step)[None]
            place = (y - pixels)[:, None] ** 2 + (x - pixels)[None] ** 2
            distance = ((picture - colour[:, None, None]) ** 2).sum(0) + (0.1 / step) ** 2 * place
            closer = near & (distance < best)
            best[closer], owner[closer] = distance[closer], k
        for k in range(len(centres)):
            ys, xs = np.nonzero(owner == k)
            if len(ys):
                centres[k] = (ys.mean() + 0.5, xs.mean() + 0.5, picture[:, ys, xs].mean(1))
    return np.unique(owner, return_inverse=True)[1].reshape(SIDE, SIDE)


def irof(at):
    owner = superpixels(at.scaled, 30)
    count = owner.max() + 1
    means = np.array([at.heat[owner == k].mean() for k in range(count)])
    ties = Draws("irof ties", at.image).permutation(count)
    gone, found = np.zeros((SIDE, SIDE), bool), [probability(at.z, at.target)]
    for k in sorted(ties, key=lambda k: -means[k]):
        gone |= owner == k
        found.append(probability(logits(at.net, without(at.x, gone)), at.target))
    return 1 - np.mean(found) / found[0]


def impute(picture, gone):
    """Every removed pixel is the weighted mean of its eight neighbours, as far as they exist."""
    places = [tuple(p) for p in np.argwhere(gone)]
    number = {place: i for i, place in enumerate(places)}
    a, b = np.zeros((len(places), len(places))), np.zeros((len(places), 3))
    for i, (y, x) in enumerate(places):
        for dy, dx in [(u, v) for u in (-1, 0, 1) for v in (-1, 0, 1) if u or v]:
            at, weight = (y + dy, x + dx), 1 / 12 if dy and dx else 1 / 6
            if 0 <= at[0] < SIDE and 0 <= at[1] < SIDE:
                a[i, i] += weight
                if at in number:
                    a[i, number[at]] -= weight
                else:
                    b[i] += weight * picture[:, at[0], at[1]]
    return places, np.clip(np.linalg.solve(a, b), 0, 1)


def road(at, order):
    noise = 0.01 * Draws("road metric", at.image).normals(3 * SIDE**2).reshape(SIDE, SIDE, 3)
    pixels = Draws("road ties", at.image).permutation(SIDE**2)
    pixels = sorted(pixels, key=lambda i: -at.heat.ravel()[i])
    pixels = pixels if order == "morf" else pixels[::-1]
    found = []
    for share in range(10, 100, 10):
        gone = np.zeros(SIDE**2, bool)
        gone[pixels[:(SIDE**2 * share + 50) // 100]] = True
        picture = at.scaled.copy()
        places, colours = impute(at.scaled, gone.reshape(SIDE, SIDE))
        for (y, x), colour in zip(places, colours):
            picture[:, y, x] = np.clip(colour + noise[y, x], 0, 1)
        found.append(probability(logits(at.net, picture * (255 / 256)), at.target))
    return np.mean(found)


def shuffled(net, name, position):
    order = Draws("randomise", "", position).permutation(net[name].size)
    values = net[name]
    if name == "v":  # drawn from pixel by pixel, set channel by channel
        values = values.reshape(CLASSES, MAPS, SIDE // 2, SIDE // 2).transpose(0, 2, 3, 1)
    return values.ravel()[order].reshape(net[name].shape)


def ssim(a, b):
    a, b = a / np.abs(a).max(), b / np.abs(b).max()
    found = []
    for y in range(SIDE - 6):
        for x in range(SIDE - 6):
            u, v = a[y:y + 7, x:x + 7], b[y:y + 7, x:x + 7]
            both = ((u - u.mean()) * (v - v.mean())).mean()
            found.append((2 * u.mean() * v.mean() + 0.0004) * (2 * both + 0.0036)
                         / ((u.mean()**2 + v.mean()**2 + 0.0004) * (u.var() + v.var() + 0.0036)))
    return np.mean(found)


def randomisation(at, cascading, likeness):
    # the picture does not count among the positions: convolution 0, ReLU 1, pooling 2, dense 3
    dense = {"v": shuffled(at.net, "v", 3)}
    conv = {"w": shuffled(at.net, "w", 0)}
    nets = [{**at.net, **conv, **(dense if cascading else {})}, {**at.net, **dense}]
    return np.mean([likeness(at.heat, at.again(net=net)) for net in nets])


METRICS = {
    "sparseness": sparseness,
    "entropy": lambda at: bits(np.abs(at.heat).ravel()),
    "grey-entropy": grey_entropy,
    "effective-complexity:share=0.1":
        lambda at: float((np.abs(at.heat) > 0.1 * np.abs(at.heat).max()).sum()),
    "png-size": lambda at: file_size(at, "PNG", optimize=True),
    "jpeg-size": lambda at: file_size(at, "JPEG", quality=90),
    "pointing-game:object=box:tolerance=0": lambda at: pointing(at, 0),
    "pointing-game:object=box:tolerance=5": lambda at: pointing(at, 5),
    "mass-accuracy:object=box": lambda at: positive(at)[0].sum() / sum(p.sum() for p in positive(at)),
    "rank-accuracy:object=box": rank_accuracy,
    "iou:object=box": iou,
    "context-ratio:object=box": lambda at: positive(at)[1].mean() / positive(at)[0].mean(),
    "completeness-gap": completeness,
    "random-logit:relevance=signed": random_logit,
    "faithfulness-correlation:region=4:samples=50:score=logit": faithfulness,
    "sensitivity-n:region=4:samples=50:score=logit": sensitivity_n,
    "infidelity:region=4:samples=50:score=logit:times-input=auto": infidelity,
    "max-sensitivity:radius=0.02:samples=10": lambda at: robustness(at, False),
    "local-lipschitz:radius=0.02:samples=10": lambda at: robustness(at, True),
    "irof:segments=30": irof,
    "road:order=morf:watch=probability:percent=all:noise=0.01": lambda at: road(at, "morf"),
    "road:order=lerf:watch=probability:percent=all:noise=0.01": lambda at: road(at, "lerf"),
    "parameter-randomisation:mode=cascading:likeness=spearman:relevance=signed:layer=all":
        lambda at: randomisation(at, True, spearman),
    "parameter-randomisation:mode=independent:likeness=ssim:relevance=signed:layer=all":
        lambda at: randomisation(at, False, ssim),
}


def pictures():
    """Noise over a bright rectangle, and its box (left, top, right, bottom; right and bottom are outside)."""
    rng = np.random.default_rng(7)
    for k, name in enumerate(IMAGES):
        box = (3 + 2 * k, 5, 14 + 3 * k, 17 - k)
        levels = rng.integers(0, 120, (SIDE, SIDE, 3))
        levels[box[1]:box[3], box[0]:box[2]] += np.array([120, 60 + 30 * k, 20])
        yield name, levels.astype(np.uint8), box


def expected(net):
    found = {}
    for name, levels, (left, upper, right, lower) in pictures():
        box = np.zeros((SIDE, SIDE), bool)
        box[upper:lower, left:right] = True
        x = levels.transpose(2, 0, 1) / 256
        for method in METHODS:
            at = At(net, name, x, box, method)
            for metric, of in METRICS.items():
                found[f"{name} {method} {metric}"] = float(of(at))
    return found


def write_network(net, to):
    from onnx import TensorProto, checker, helper, numpy_helper, save

    weights = {"w": net["w"], "b": net["b"], "v": net["v"], "c": net["c"]}
    nodes = [helper.make_node("Conv", ["x", "w", "b"], ["z"], "conv", pads=[1, 1, 1, 1]),
             helper.make_node("Relu", ["z"], ["a"], "relu"),
             helper.make_node("AveragePool", ["a"], ["p"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
             helper.make_node("Flatten", ["p"], ["f"], "flatten"),
             helper.make_node("Gemm", ["f", "v", "c"], ["y"], "dense", transB=1)]
    graph = helper.make_graph(
        nodes, "metrics", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, CLASSES])],
        [numpy_helper.from_array(v.astype(np.float32), k) for k, v in weights.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model)
    save(model, to)


def main():
    net = network()
    if "--check" in sys.argv:
        old, new = json.loads((HERE / "expected.json").read_text()), expected(net)
        # another Pillow may write files of other sizes
        off = {k: abs(new[k] - v) / (0.01 * v if k.endswith("-size") else 1e-9) for k, v in old.items() if k in new}
        same = old.keys() == new.keys() and max(off.values()) < 1
        sys.exit(0 if same else "expected.json is not what this makes")
    from PIL import Image

    (HERE / "pictures").mkdir(parents=True, exist_ok=True)
    write_network(net, HERE / "net.onnx")
    (HERE / "net.toml").write_text(
        'channels = "rgb"\nscale = 0.00390625\nmean = [0.0, 0.0, 0.0]\nstd = [1.0, 1.0, 1.0]\n')
    boxes, labels = ["file,x0,y0,x1,y1"], ["file,label"]
    for name, levels, box in pictures():
        Image.fromarray(levels).save(HERE / "pictures" / name)
        boxes.append(",".join([name, *map(str, box)]))
        target = int(logits(net, levels.transpose(2, 0, 1) / 256).argmax())
        labels.append(f"{name},{target}")
    (HERE / "pictures/boxes.csv").write_text("\n".join(boxes) + "\n")
    (HERE / "pictures/labels.csv").write_text("\n".join(labels) + "\n")
    lines = json.dumps(expected(net), indent=1)
    (HERE / "expected.json").write_text(lines + "\n")


if __name__ == "__main__":
    main()
