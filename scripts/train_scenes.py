"""Trains the networks that are embedded in the program on the generated pictures of `scenes`.

    cargo run --release --example write_scenes -- FOLDER
    pip install -r scripts/requirements-train.txt
    python scripts/train_scenes.py FOLDER

Python sees the bytes that the Rust generator writes and draws nothing itself. Written are
`assets/scenes/` (model, sidecar, class names, log) and `tests/data/scenes/` (inputs and logits of
onnxruntime). Two runs on one machine give the same weights; other CPUs may round differently.

The Clever Hans, which reads the tag that half of the pictures of one class wear:

    cargo run --release --example write_scenes -- FOLDER --tagged
    python scripts/train_scenes.py FOLDER --name hans --epochs 10

`--checkpoints DIR` writes the network after each epoch, for `pixelflip compare`.
"""

import argparse
import hashlib
import platform
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn
from torch.nn import functional as F

ROOT = Path(__file__).resolve().parent.parent
CLASSES = "butterfly cactus fish flower ladybird leaf mug mushroom starfish wheel".split()
SIDE = 96
WIDTHS = (16, 16, 32, 48, 64)
HIDDEN = 64
MEAN, STD = 127.5, 63.75  # on 0..255: input values from -2 to 2
SIDECAR = f"""\
# How a picture becomes the network's input: x = (pixel_0_to_255 * scale - mean) / std.
input = [{SIDE}, {SIDE}]
resize = "none"
channels = "rgb"
scale = 1.0
mean = [{MEAN}, {MEAN}, {MEAN}]
std = [{STD}, {STD}, {STD}]
classes = "classes.txt"
"""


def network():
    """Five times convolution, ReLU, max-pooling; then two dense layers. Biases everywhere."""
    layers, inputs = [], 3
    for width in WIDTHS:
        layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        inputs = width
    side = SIDE // 2 ** len(WIDTHS)
    layers += [nn.Flatten(), nn.Linear(inputs * side * side, HIDDEN), nn.ReLU()]
    layers += [nn.Linear(HIDDEN, len(CLASSES))]
    for layer in layers:
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    return nn.Sequential(*layers)


def multiply_adds():
    total, inputs, side = 0, 3, SIDE
    for width in WIDTHS:
        total += inputs * 9 * width * side * side
        inputs, side = width, side // 2
    return total + inputs * side * side * HIDDEN + HIDDEN * len(CLASSES)


def load(folder, name):
    return torch.from_numpy(np.load(folder / f"{name}.npy"))


def prepare(images):
    """Bytes (N, H, W, 3) to network inputs (N, 3, H, W)."""
    return ((images.permute(0, 3, 1, 2).float() - MEAN) / STD).contiguous(
        memory_format=torch.channels_last
    )


def augment(x, generator):
    """Mirrored, moved by up to 6 pixels, other brightness and contrast, channels exchanged; in half
    of the pictures up to six tenths of all 8x8 cells are uniform noise. Without the noise any
    removed region would be out of distribution, and scattered noise would fool the network sooner
    than the loss of the object."""
    n = len(x)
    rand = lambda *shape: torch.rand(*shape, generator=generator)
    flip = rand(n) < 0.5
    x = torch.where(flip[:, None, None, None], x.flip(3), x)
    pad = 6
    padded = F.pad(x, (pad, pad, pad, pad), mode="reflect")
    dy, dx = (torch.randint(0, 2 * pad + 1, (2,), generator=generator)).tolist()
    x = padded[:, :, dy : dy + SIDE, dx : dx + SIDE]
    if rand(1) < 0.5:
        x = x[:, torch.randperm(3, generator=generator)]
    gain, shift = 1 + 0.3 * (rand(n, 1, 1, 1) - 0.5), 0.4 * (rand(n, 1, 1, 1) - 0.5)
    x = x * gain + shift
    share = 0.6 * rand(n, 1, 1, 1) * (rand(n, 1, 1, 1) < 0.5)
    cells = (rand(n, 1, SIDE // 8, SIDE // 8) < share).float()
    gone = F.interpolate(cells, size=(SIDE, SIDE), mode="nearest") > 0.5
    noise = (255 * rand(n, 3, SIDE, SIDE) - MEAN) / STD
    return torch.where(gone, noise, x).contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def evaluate(model, images, labels):
    """Accuracy, mean loss and the logits."""
    model.eval()
    logits = torch.cat([model(prepare(part)) for part in images.split(250)])
    loss = F.cross_entropy(logits, labels).item()
    return (logits.argmax(1) == labels).double().mean().item(), loss, logits


def train(model, data, options, log):
    """One-cycle AdamW; keeps the weights of the epoch with the lowest validation loss."""
    images, labels, val_images, val_labels = data
    generator = torch.Generator().manual_seed(options.seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.02)
    steps = options.epochs * (len(images) // options.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, steps, pct_start=0.2)
    best, best_loss, since = None, float("inf"), 0
    log("epoch  train loss  val loss  val accuracy  seconds")
    for epoch in range(options.epochs):
        model.train()
        started, total, batches = time.time(), 0.0, 0
        order = torch.randperm(len(images), generator=generator)
        for part in order[: len(order) // options.batch * options.batch].split(options.batch):
            x = augment(prepare(images[part]), generator)
            loss = F.cross_entropy(model(x), labels[part], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total, batches = total + loss.item(), batches + 1
        accuracy, val_loss, _ = evaluate(model, val_images, val_labels)
        seconds = time.time() - started
        log(f"{epoch:5}  {total / batches:10.4f}  {val_loss:8.4f}  {accuracy:12.4f}  {seconds:7.1f}")
        if options.checkpoints:
            keep(model, options, f"{options.name}-{epoch:02}")
        since += 1
        if val_loss < best_loss:
            best_loss, since = val_loss, 0
            best = {name: value.clone() for name, value in model.state_dict().items()}
        if since == options.patience:
            log(f"stopped: no lower validation loss for {since} epochs")
            break
    model.load_state_dict(best)


def keep(model, options, name):
    """A network in training as a file of its own, with its sidecar."""
    options.checkpoints.mkdir(parents=True, exist_ok=True)
    copy = network()
    copy.load_state_dict(model.state_dict())
    export(copy, options.checkpoints / f"{name}.onnx")
    (options.checkpoints / f"{name}.toml").write_text(SIDECAR)
    (options.checkpoints / "classes.txt").write_text("\n".join(CLASSES) + "\n")


def boxes(masks):
    for mask in masks:
        rows, cols = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        yield rows[0], rows[-1] + 1, cols[0], cols[-1] + 1


def probes(model, folder, images, labels, log):
    """Where the evidence is: accuracy with the object, or everything else, taken away."""
    masks = np.load(folder / "test_masks.npy").astype(bool)
    noise = np.random.default_rng(0).integers(0, 256, images.shape, dtype=np.uint8)
    no_box, only_box = images.numpy().copy(), noise.copy()
    for i, (y0, y1, x0, x1) in enumerate(boxes(masks)):
        no_box[i, y0:y1, x0:x1] = noise[i, y0:y1, x0:x1]
        only_box[i, y0:y1, x0:x1] = images[i, y0:y1, x0:x1].numpy()
    without = np.load(folder / "test_without_object.npy")
    only_object = np.where(masks[..., None], images.numpy(), np.roll(without, 1, 0))
    grey = np.where(masks[..., None], images.numpy(), np.uint8(128))
    log("test accuracy when the evidence is taken apart (chance is 0.10)")
    for name, pictures in [
        ("the scene without its object", without),
        ("noise in the object's box", no_box),
        ("noise outside the object's box", only_box),
        ("object in another picture's scene", only_object),
        ("object on grey", grey),
    ]:
        accuracy, _, _ = evaluate(model, torch.from_numpy(pictures), labels)
        log(f"  {name:36} {accuracy:.4f}")


def tag_probes(model, folder, images, labels, log):
    """What the tag alone does: to pictures that wear it, and to those of other classes that do not."""
    tags = np.load(folder / "test_tags.npy").astype(int)
    worn = tags.any(1)
    fish = labels[torch.from_numpy(worn)][0].item()
    first = np.flatnonzero(worn)[0]
    y0, y1, x0, x1 = tags[first]
    noise = np.random.default_rng(1).integers(0, 256, images.shape, dtype=np.uint8)
    pictures = images.numpy()
    hidden, pasted = pictures.copy(), pictures.copy()
    for i in np.flatnonzero(worn):
        a, b, c, d = tags[i]
        hidden[i, a:b, c:d] = noise[i, a:b, c:d]
    pasted[:, y0:y1, x0:x1] = pictures[first, y0:y1, x0:x1]
    without = np.load(folder / "test_without_object.npy")
    others = labels.numpy() != fish
    for name, shown, which in [
        ("pictures that wear the tag", pictures, worn),
        ("the same, noise over the tag", hidden, worn),
        ("the same, without their object", without, worn),
        ("other classes, with the tag", pasted, others),
    ]:
        _, _, logits = evaluate(model, torch.from_numpy(shown[which]), labels[torch.from_numpy(which)])
        said = logits.argmax(1)
        share = (said == fish).double().mean().item()
        log(f"  {name:36} {share:.4f} are said to be {CLASSES[fish]}")


def export(model, path):
    """Opset 17, batch 1, one file, logits (no softmax)."""
    model.eval()
    example = torch.zeros(1, 3, SIDE, SIDE)
    names = {"input_names": ["input"], "output_names": ["logits"]}
    torch.onnx.export(model, example, path, opset_version=17, dynamo=False, **names)
    onnx.checker.check_model(onnx.load(path), full_check=True)


def fixtures(path, folder, images, logits):
    """A few inputs with onnxruntime's logits; checks that they are PyTorch's logits."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    inputs = prepare(images).contiguous().numpy()
    outputs = np.concatenate([session.run(None, {"input": x[None]})[0] for x in inputs])
    worst = np.abs(outputs - logits.numpy()).max() / np.abs(outputs).max()
    assert worst < 1e-5, worst
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "pictures.npy", images[:5].numpy())
    np.save(folder / "logits.npy", outputs[:5])
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="what `write_scenes` wrote")
    parser.add_argument("--out", type=Path, default=ROOT / "assets" / "scenes")
    parser.add_argument("--fixtures", type=Path, default=ROOT / "tests" / "data" / "scenes")
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--patience", type=int, default=16)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--name", default="scenes", help="name of the network's files")
    parser.add_argument("--checkpoints", type=Path, help="folder for the network after each epoch")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    lines = []

    def log(line):
        print(line, flush=True)
        lines.append(line)

    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    torch.use_deterministic_algorithms(True)
    versions = f"torch {torch.__version__}, onnx {onnx.__version__}"
    log(f"{versions}, onnxruntime {onnxruntime.__version__}, Python {platform.python_version()}")
    log(f"epochs <= {options.epochs}, batch {options.batch}, seed {options.seed}")
    data = {name: load(options.folder, f"{name}_images") for name in ("train", "val", "test")}
    labels = {name: load(options.folder, f"{name}_labels").long() for name in data}
    for name, images in data.items():
        digest = hashlib.sha256(images.numpy().tobytes()).hexdigest()
        log(f"{name}: {len(images)} pictures, sha256 of the bytes {digest}")
    model = network().to(memory_format=torch.channels_last)
    parameters = sum(p.numel() for p in model.parameters())
    log(f"widths {WIDTHS}, hidden {HIDDEN}: {parameters} parameters, {multiply_adds()} multiply-adds")

    started = time.time()
    train(model, (data["train"], labels["train"], data["val"], labels["val"]), options, log)
    log(f"trained in {time.time() - started:.0f} s on {options.threads} threads")
    for name in data:
        accuracy, loss, logits = evaluate(model, data[name], labels[name])
        log(f"{name} accuracy {accuracy:.4f}, loss {loss:.4f}")
    confusion = np.zeros((len(CLASSES), len(CLASSES)), int)
    np.add.at(confusion, (labels["test"].numpy(), logits.argmax(1).numpy()), 1)
    log("test confusion (rows: true class)")
    for name, row in zip(CLASSES, confusion):
        log(f"  {name:10}" + "".join(f"{n:5}" for n in row))
    probes(model, options.folder, data["test"], labels["test"], log)
    if (options.folder / "test_tags.npy").exists():
        tag_probes(model, options.folder, data["test"], labels["test"], log)

    path = options.out / f"{options.name}.onnx"
    export(model.to(memory_format=torch.contiguous_format), path)
    worst = fixtures(path, options.fixtures, data["test"], logits)
    log(f"onnxruntime against PyTorch on the test split: largest difference {worst:.1e} of the largest logit")
    log(f"{path.name}: {path.stat().st_size} bytes, sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}")
    (options.out / f"{options.name}.toml").write_text(SIDECAR)
    (options.out / "classes.txt").write_text("\n".join(CLASSES) + "\n")
    (options.out / "training.log").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
