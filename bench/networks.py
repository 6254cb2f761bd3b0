"""The networks of the benches in PyTorch, by the names they have in imgcls."""

from torch import nn


def two_convolutions():
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64 * 8 * 8, 10),
    )  # fmt: skip


def conv_bn(inputs, outputs):
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())


class Residual(nn.Sequential):
    def forward(self, x):
        return x + super().forward(x)


class Scale(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return self.factor * x


def resnet9():
    return nn.Sequential(
        conv_bn(3, 64),
        conv_bn(64, 128), nn.MaxPool2d(2), Residual(conv_bn(128, 128), conv_bn(128, 128)),
        conv_bn(128, 256), nn.MaxPool2d(2),
        conv_bn(256, 512), nn.MaxPool2d(2), Residual(conv_bn(512, 512), conv_bn(512, 512)),
        nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(512, 10, bias=False), Scale(0.125),
    )  # fmt: skip


def airbench94():
    def norm(channels):
        layer = nn.BatchNorm2d(channels, momentum=0.4, eps=1e-12)
        layer.weight.requires_grad = False
        return layer

    def block(inputs, outputs):
        return nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, padding="same", bias=False), nn.MaxPool2d(2), norm(outputs), nn.GELU(),
            nn.Conv2d(outputs, outputs, 3, padding="same", bias=False), norm(outputs), nn.GELU(),
        )  # fmt: skip

    whiten = nn.Conv2d(3, 24, 2)
    whiten.weight.requires_grad = False
    return nn.Sequential(
        whiten, nn.GELU(), block(24, 64), block(64, 256), block(256, 256),
        nn.MaxPool2d(3), nn.Flatten(), nn.Linear(256, 10, bias=False), Scale(1 / 9),
    )  # fmt: skip


def build(name):
    own = {"two-conv": two_convolutions, "resnet9": resnet9, "airbench94": airbench94}
    if name in own:
        return own[name]()
    import torchvision  # not needed by the others

    return torchvision.models.get_model(name)
