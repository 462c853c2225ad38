"""Tiny networks with one pattern of modern classifiers each, with logits and gradients.

Writes tests/data/pattern_cases.npz: the model <case>.onnx as bytes, one picture <case>.x, onnxruntime's logits
<case>.y, and <case>.g, the gradient of logit 0 by autograd in double precision. Made with torch 2.15.0,
onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6:

    pip install -r scripts/requirements-zoo.txt
    python scripts/make_pattern_cases.py
"""

import copy
import io
import logging
import warnings
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch
from check_zoo import norms_written_out
from torch import nn
from torch.nn import functional as F

OUT = Path(__file__).parent.parent / "tests" / "data" / "pattern_cases.npz"
CLASSES, SIDE = 3, 16


class Head(nn.Module):
    """Mean over the tokens, then scores."""

    def __init__(self, dim):
        super().__init__()
        self.fc = nn.Linear(dim, CLASSES)

    def forward(self, tokens):
        return self.fc(tokens.mean(1))


def attention(q, k, v, bias=None):
    scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
    return (scores if bias is None else scores + bias).softmax(-1) @ v


class Windows(nn.Module):
    """Attention in windows of 2x2 tokens, shifted by one, with the mask of the wrapped rows and columns and a
    relative position bias."""

    def __init__(self, dim=6, heads=2, side=4, window=2, shift=1):
        super().__init__()
        self.heads, self.side, self.window, self.shift = heads, side, window, shift
        self.patches = nn.Conv2d(3, dim, 4, 4)
        self.norm, self.qkv, self.out, self.head = nn.LayerNorm(dim), nn.Linear(dim, 3 * dim), nn.Linear(dim, dim), Head(dim)
        self.table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        places = torch.stack(torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")).flatten(1)
        apart = (places[:, :, None] - places[:, None, :] + window - 1).permute(1, 2, 0)
        self.register_buffer("index", apart[..., 0] * (2 * window - 1) + apart[..., 1])
        groups = torch.zeros(1, side, side, 1)
        for i, rows in enumerate((slice(0, -window), slice(-window, -shift), slice(-shift, None))):
            for k, columns in enumerate((slice(0, -window), slice(-window, -shift), slice(-shift, None))):
                groups[:, rows, columns] = 3 * i + k
        groups = self.split(groups).squeeze(-1)
        apart = groups[:, None, :] != groups[:, :, None]
        self.register_buffer("mask", torch.zeros(apart.shape).masked_fill(apart, -100.0))

    def split(self, x):
        n, w = self.side // self.window, self.window
        return x.view(-1, n, w, n, w, x.shape[-1]).permute(0, 1, 3, 2, 4, 5).reshape(-1, w * w, x.shape[-1])

    def join(self, x):
        n, w = self.side // self.window, self.window
        return x.view(-1, n, n, w, w, x.shape[-1]).permute(0, 1, 3, 2, 4, 5).reshape(-1, self.side, self.side, x.shape[-1])

    def forward(self, x):
        x = self.patches(x).permute(0, 2, 3, 1)
        y = torch.roll(self.norm(x), (-self.shift, -self.shift), (1, 2))
        y = self.split(y)
        b, n, c = y.shape
        q, k, v = self.qkv(y).view(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        bias = self.table[self.index.view(-1)].view(n, n, -1).permute(2, 0, 1)
        y = attention(q, k, v, bias + self.mask[:, None]).transpose(1, 2).reshape(b, n, c)
        y = torch.roll(self.join(self.out(y)), (self.shift, self.shift), (1, 2))
        return self.head((x + y).flatten(1, 2))


class Grid(nn.Module):
    """Attention between the tokens at the same place of each window."""

    def __init__(self, dim=4, grid=2):
        super().__init__()
        self.grid, self.patches = grid, nn.Conv2d(3, dim, 4, 4)
        self.norm, self.qkv, self.head = nn.LayerNorm(dim), nn.Linear(dim, 3 * dim), Head(dim)

    def forward(self, x):
        x = self.patches(x).permute(0, 2, 3, 1)
        b, h, w, c = x.shape
        g = self.grid
        y = x.view(b, g, h // g, g, w // g, c).permute(0, 2, 4, 1, 3, 5).reshape(-1, g * g, c)
        y = attention(*self.qkv(self.norm(y)).chunk(3, -1))
        y = y.view(b, h // g, w // g, g, g, c).permute(0, 3, 1, 4, 2, 5).reshape(b, h, w, c)
        return self.head((x + y).flatten(1, 2))


class Tokens(nn.Module):
    """Class and register tokens before the patches; read from the class token, or with a second token and a
    second head as distilled transformers have them."""

    def __init__(self, dim=6, extra=3, distilled=False):
        super().__init__()
        self.distilled, self.patches = distilled, nn.Conv2d(3, dim, 4, 4)
        self.tokens, self.places = nn.Parameter(torch.zeros(1, extra, dim)), nn.Parameter(torch.zeros(1, 16 + extra, dim))
        self.norm, self.qkv, self.last = nn.LayerNorm(dim), nn.Linear(dim, 3 * dim), nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))
        self.head, self.other = nn.Linear(dim, CLASSES), nn.Linear(dim, CLASSES)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat((self.tokens.expand(x.shape[0], -1, -1), x), 1) + self.places
        x = x + attention(*self.qkv(self.norm(x)).chunk(3, -1))
        x = self.last(x + self.mlp(x))
        return (self.head(x[:, 0]) + self.other(x[:, 1])) / 2 if self.distilled else self.head(x[:, 0])


class Convolutions(nn.Module):
    """A stem, a block, and a head."""

    def __init__(self, block, dim=4):
        super().__init__()
        self.stem, self.block, self.head = nn.Conv2d(3, dim, 3, 2, 1), block, nn.Linear(dim, CLASSES)

    def forward(self, x):
        return self.head(self.block(F.silu(self.stem(x))).mean((2, 3)))


class Excitation(nn.Module):
    def __init__(self, dim=4):
        super().__init__()
        self.conv, self.down, self.up = nn.Conv2d(dim, dim, 3, 1, 1, groups=dim), nn.Conv2d(dim, 2, 1), nn.Conv2d(2, dim, 1)

    def forward(self, x):
        y = F.hardswish(self.conv(x))
        return x + y * F.hardsigmoid(self.up(F.relu(self.down(F.adaptive_avg_pool2d(y, 1)))))


class Shuffle(nn.Module):
    def __init__(self, dim=4):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(dim // 2, dim // 2, 3, 1, 1), nn.BatchNorm2d(dim // 2)

    def forward(self, x):
        kept, other = x.chunk(2, 1)
        x = torch.cat((kept, F.relu(self.norm(self.conv(other)))), 1)
        b, c, h, w = x.shape
        return x.view(b, 2, c // 2, h, w).transpose(1, 2).reshape(b, c, h, w)


class Scaled(nn.Module):
    """A ConvNeXt block: layer scale, layer normalisation over channels."""

    def __init__(self, dim=4):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(dim, dim, 5, 1, 2, groups=dim), nn.LayerNorm(dim)
        self.up, self.down, self.gamma = nn.Linear(dim, 2 * dim), nn.Linear(2 * dim, dim), nn.Parameter(torch.ones(dim))

    def forward(self, x):
        y = self.norm(self.conv(x).permute(0, 2, 3, 1))
        return x + (self.gamma * self.down(F.gelu(self.up(y)))).permute(0, 3, 1, 2)


class Standardised(nn.Conv2d):
    def forward(self, x):
        weight = F.batch_norm(self.weight.reshape(1, self.out_channels, -1), None, None, training=True, momentum=0.0, eps=1e-6)
        return F.conv2d(x, weight.reshape_as(self.weight), self.bias, self.stride, self.padding)


class Same(nn.Conv2d):
    """TensorFlow's padding: as much as the stride asks for, one more below and to the right."""

    def forward(self, x):
        need = [max(((side + s - 1) // s - 1) * s + k - side, 0)
                for side, s, k in zip(x.shape[-2:], self.stride, self.kernel_size)]
        pads = [need[1] // 2, need[1] - need[1] // 2, need[0] // 2, need[0] - need[0] // 2]
        return F.conv2d(F.pad(x, pads), self.weight, self.bias, self.stride)


CASES = {
    "shifted_windows": lambda: Windows(),
    "grid_attention": lambda: Grid(),
    "class_and_register_tokens": lambda: Tokens(),
    "distilled": lambda: Tokens(distilled=True),
    "squeeze_and_excitation": lambda: Convolutions(Excitation()),
    "channel_shuffle": lambda: Convolutions(Shuffle()),
    "layer_scale": lambda: Convolutions(Scaled()),
    "group_norm": lambda: Convolutions(nn.Sequential(nn.Conv2d(4, 4, 3, 1, 1), nn.GroupNorm(2, 4), nn.Mish())),
    "weight_standardisation": lambda: Convolutions(nn.Sequential(Standardised(4, 4, 3, 1, 1), nn.ReLU())),
    "same_padding": lambda: Convolutions(nn.Sequential(Same(4, 4, 3, 2), nn.ReLU6(), Same(4, 4, 2, 3))),
}


def exported(net, x, exporter):
    file = io.BytesIO()
    if exporter == "legacy":
        torch.onnx.export(net, (x,), file, dynamo=False, opset_version=17, input_names=["input"], output_names=["logits"])
        return file.getvalue()
    program = torch.onnx.export(net, (x,), dynamo=True, opset_version=18, input_names=["input"],
                                output_names=["logits"], verbose=False)
    for node in program.model.graph:
        node.metadata_props.clear()
        node.doc_string = None
    program.save(file)
    return file.getvalue()


def main():
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    arrays = {}
    for name, make in CASES.items():
        net = make().eval()
        for norm in [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]:
            nn.init.normal_(norm.running_mean, std=0.3)
            nn.init.uniform_(norm.running_var, 0.5, 1.5)
        for parameter in net.parameters():
            nn.init.normal_(parameter, std=0.6 if parameter.dim() > 1 else 0.4)
        x = torch.randn(1, 3, SIDE, SIDE)
        double, picture = copy.deepcopy(net).double(), x.double().requires_grad_(True)
        with norms_written_out():
            double(picture)[0, 0].backward()
        want = double(picture).detach().numpy()
        for exporter in ("legacy", "dynamo"):
            model = exported(net, x, exporter)
            options = ort.SessionOptions()
            options.intra_op_num_threads, options.log_severity_level = 1, 3
            y = ort.InferenceSession(model, options).run(None, {"input": x.numpy()})[0]
            assert np.abs(y - want).max() < 1e-5 * np.abs(want).max(), "the exporter changed the network"
            case = f"{name}.{exporter}"
            arrays[f"{case}.onnx"] = np.frombuffer(model, np.uint8)
            arrays[f"{case}.x"], arrays[f"{case}.y"] = x.numpy(), y
            arrays[f"{case}.g"] = picture.grad.numpy().astype(np.float32)
            print(case, len(model), y.round(3), flush=True)
    np.savez_compressed(OUT, **arrays)
    print(OUT.stat().st_size)


if __name__ == "__main__":
    main()
