"""Writes the small vision transformer of the tests: random weights, patches of 8x8, a class token.

    pip install -r scripts/requirements-train.txt
    python scripts/make_tiny_vit.py            # writes tests/data/vit.onnx
"""

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

SIDE, PATCH, WIDTH, HEADS, BLOCKS, CLASSES = 32, 8, 8, 2, 2, 10


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 2 * WIDTH), nn.GELU(), nn.Linear(2 * WIDTH, WIDTH))

    def forward(self, x):
        n, tokens, _ = x.shape
        heads = self.qkv(self.norm1(x)).reshape(n, tokens, 3, HEADS, WIDTH // HEADS)
        q, k, v = heads.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, tokens, WIDTH)
        x = x + self.out(mixed)
        return x + self.mlp(self.norm2(x))


class Vit(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, WIDTH, PATCH, stride=PATCH)
        self.class_token = nn.Parameter(torch.randn(1, 1, WIDTH))
        self.positions = nn.Parameter(torch.randn(1, (SIDE // PATCH) ** 2 + 1, WIDTH))
        self.blocks = nn.Sequential(*[Block() for _ in range(BLOCKS)])
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, CLASSES)

    def forward(self, x):
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.class_token.expand(tokens.shape[0], -1, -1), tokens], 1)
        return self.head(self.norm(self.blocks(tokens + self.positions))[:, 0])


if __name__ == "__main__":
    torch.manual_seed(1)
    model = Vit().eval()
    # layers as PyTorch draws them are so small that every picture has the same scores
    with torch.no_grad():
        for name, value in model.named_parameters():
            if value.dim() > 1 and "token" not in name and "positions" not in name:
                value.mul_(3)
    path = Path(__file__).resolve().parent.parent / "tests" / "data" / "vit.onnx"
    torch.onnx.export(model, torch.zeros(1, 3, SIDE, SIDE), path, opset_version=17, dynamo=False,
                      input_names=["input"], output_names=["logits"])
    print(path, path.stat().st_size, "bytes")
