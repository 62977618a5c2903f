"""VGG-16's convolutions up to relu3_3, as torchvision numbers them."""

import torch.nn.functional as F
from torch import nn


class Vgg16(nn.Module):
    """relu1_2, conv2_2 before its ReLU, relu3_1 and relu3_3 of [B, 3, H, W]."""

    MEAN = (0.485, 0.456, 0.406)
    DEVIATION = (0.229, 0.224, 0.225)
    LAYERS = (3, 7, 11, 15)

    def __init__(self, widths=(64, 64, None, 128, 128, None, 256, 256, 256)):
        super().__init__()
        layers, inputs = [], 3
        for width in widths:
            if width is None:
                layers.append(nn.MaxPool2d(2))
                continue
            # In place where nobody looks at what the convolution gave.
            kept = len(layers) in self.LAYERS
            layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.ReLU(inplace=not kept)]
            inputs = width
        self.features = nn.Sequential(*layers)

    def forward(self, x):
        found = []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in self.LAYERS:
                found.append(x)
        return found

    @staticmethod
    def published(key):
        return key
