"""Writes the ONNX files of these tests: tiny restorers, and files that are none.

    pip install onnx numpy
    python tests/proxies/onnx/make.py
"""

from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save

FREE = [1, 3, "height", "width"]
FOLDER = Path(__file__).parent


def box_filter():
    """Each channel's mean over 3x3 pixels, with zeros around the picture."""
    kernel = np.zeros((3, 3, 3, 3), np.float32)
    for channel in range(3):
        kernel[channel, channel] = 1 / 9
    return numpy_helper.from_array(kernel, "kernel")


def write(name, nodes, constants=(), takes=FREE, gives=None, dtype=TensorProto.FLOAT):
    inputs = [helper.make_tensor_value_info("degraded", dtype, takes)]
    outputs = [helper.make_tensor_value_info("restored", dtype, gives or takes)]
    graph = helper.make_graph(nodes, name, inputs, outputs, list(constants))
    # An old version of the format, so that every reader of it understands.
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    checker.check_model(model)
    save(model, FOLDER / f"{name}.onnx")


def blur(source, target):
    # Dilations have a default, but not with every reader; exporters write them.
    sizes = {"pads": [1, 1, 1, 1], "strides": [1, 1], "dilations": [1, 1]}
    return helper.make_node("Conv", [source, "kernel"], [target], **sizes)


# Whatever the size.
write("free", [blur("degraded", "restored")], [box_filter()])
# 24 pixels high, 32 wide.
write("fixed", [blur("degraded", "restored")], [box_filter()], takes=[1, 3, 24, 32])
# Half the size and back: odd sizes come back smaller.
halve = helper.make_node("AveragePool", ["degraded"], ["half"], kernel_shape=[2, 2], strides=[2, 2])
scales = numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "scales")
double = helper.make_node("Resize", ["half", "", "scales"], ["restored"], mode="nearest")
write("halving", [halve, double], [scales], gives=[1, 3, "new_height", "new_width"])
# The square root of a negative number.
minus_two = numpy_helper.from_array(np.float32(-2), "minus_two")
sink = helper.make_node("Add", ["degraded", "minus_two"], ["sunk"])
write("not_finite", [sink, helper.make_node("Sqrt", ["sunk"], ["restored"])], [minus_two])
# What a proxy must not take.
same = helper.make_node("Identity", ["degraded"], ["restored"])
write("grey", [same], takes=[1, 1, "height", "width"])
write("channels_last", [same], takes=[1, "height", "width", 3])
write("flat", [same], takes=["pictures", "numbers"])
write("bytes", [same], dtype=TensorProto.UINT8)
