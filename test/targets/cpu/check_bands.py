"""Windows in bands with the contractions around them, compiled for this machine, against NumPy in float64: in pieces,
out of order, on two workers: check_bands.py [filter]"""
import numpy as np
from kernel_runner import check, run_cases

rng = np.random.default_rng(0)
CASES = {}  # name: (title, text, inputs, wanted)
BIAS = "affine_map<(n, h, w, c) -> (c)>"
SAME = "affine_map<(n, h, w, c) -> (n, h, w, c)>"


def tensor(array):
    return f"tensor<{'x'.join(map(str, array.shape))}xf32>"


def normal(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def windows(x, taps, stride, dilation, pads, outside):
    """The pixels under each tap, of images in channels-last order."""
    top, left, bottom, right = pads
    x = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=outside)
    height, width = ((x.shape[d] - (taps - 1) * dilation - 1) // stride + 1 for d in (1, 2))
    for i in range(taps):
        for j in range(taps):
            rows, columns = (slice(t * dilation, t * dilation + (n - 1) * stride + 1, stride)
                             for t, n in ((i, height), (j, width)))
            yield i, j, x[:, rows, columns]


class Kernel:
    """Operations, each on the result of the one before."""

    def __init__(self, x):
        self.last, self.value, self.type, self.lines = x.astype(float), "%x", tensor(x), []
        self.arguments, self.inputs = [f"%x: {self.type}"], [x]

    def argument(self, array):
        name = f"%a{len(self.inputs)}"
        self.arguments.append(f"{name}: {tensor(array)}")
        self.inputs.append(array)
        return name, tensor(array)

    def emit(self, op, extras, maps, body, result, middle):
        """`op` up to its operands, then extras, `middle`, maps and the body."""
        kind = tensor(result)
        n = len(self.lines)
        operands = f"{', '.join(e[0] for e in extras)} : {', '.join(e[1] for e in extras)}" if extras else ""
        elements = ", ".join(f"%e{i}: f32" for i in range(len(extras) + 1))
        self.lines.append(f"""  %y{n} = tensor.empty() : {kind}
  %r{n} = {op} extras({operands}) outs(%y{n} : {kind}) {middle[0]} maps [{', '.join(maps)}] {middle[1]} {{
  ^bb0({elements}):
{body}
  }} -> {kind}""")
        self.last, self.value, self.type = result, f"%r{n}", kind

    def contract(self, columns, rows, panels=1, taps=1, stride=1, pads=(0, 0, 0, 0), residual=False, blocks=1):
        depth = self.last.shape[3]
        w, bias = normal(columns, taps, taps, depth), normal(columns)
        packed = np.zeros((-(-columns // 16) * 16, taps, taps, depth), np.float32)
        packed[:columns] = w
        packed = np.ascontiguousarray(packed.reshape(-1, 16, taps, taps, depth).transpose(0, 2, 3, 4, 1))
        result = sum(x @ w[:, i, j].T.astype(float) for i, j, x in windows(self.last, taps, stride, 1, pads, 0)) + bias
        b, extras = self.argument(packed), [self.argument(bias)]
        body, maps = "    %s = arith.addf %e0, %e1 : f32\n", [BIAS]
        if residual:
            other = normal(*result.shape)
            extras.append(self.argument(other))
            maps.append(SAME)
            body += "    %t = arith.addf %s, %e2 : f32\n    kern.yield %t : f32"
            result = result + other
        else:
            body += "    %z = arith.constant 0.0 : f32\n    %t = arith.maximumf %s, %z : f32\n    kern.yield %t : f32"
            result = np.maximum(result, 0)
        tiles = -(-result.shape[2] // rows)
        plan = (f"#kern.plan<rows = {rows}, panels = {panels}, k_blocks = {blocks}, unit_tiles = {tiles}, unroll = 4, "
                f"n_slow = false>")
        self.emit(f"kern.contract packed ins({self.value}, {b[0]} : {self.type}, {b[1]})", extras, maps, body, result,
                  (f"strides [{stride}, {stride}] dilations [1, 1] pads [{', '.join(map(str, pads))}]",
                   f"attributes {{plan = {plan}}}"))
        return self

    def window(self, taps, stride=1, dilation=1, pads=(0, 0, 0, 0), kind="depthwise"):
        operands, types, body = self.value, self.type, "    kern.yield %e0 : f32"
        parts = windows(self.last, taps, stride, dilation, pads, 0 if kind == "depthwise" else -np.inf)
        if kind == "depthwise":
            w = normal(taps, taps, self.last.shape[3])
            name, w_type = self.argument(w)
            operands, types = f"{operands}, {name}", f"{types}, {w_type}"
            result = np.clip(sum(x * w[i, j] for i, j, x in parts), 0, 6)
            body = """    %z = arith.constant 0.0 : f32
    %six = arith.constant 6.0 : f32
    %s = arith.maximumf %e0, %z : f32
    %t = arith.minimumf %s, %six : f32
    kern.yield %t : f32"""
        else:
            result = np.maximum.reduce([x for _, _, x in parts])
        self.emit(f"kern.window {kind} ins({operands} : {types})", [], [], body, result,
                  (f"kernel [{taps}, {taps}] strides [{stride}, {stride}] dilations [{dilation}, {dilation}] "
                   f"pads [{', '.join(map(str, pads))}]", ""))
        return self

    def case(self, rows, title):
        name = f"k{len(CASES)}"
        lines = "\n".join(self.lines)
        text = f"""func.func @{name}({', '.join(self.arguments)}) -> {self.type}
    attributes {{kern.band_rows = {rows} : i64, rt.kernel}} {{
{lines}
  return {self.value} : {self.type}
}}"""
        CASES[name] = (f"{title}, bands of {rows}", text, self.inputs, [self.last.astype(np.float32)])


ONES = (1, 1, 1, 1)
for rows in (1, 3, 4, 9, 20):
    Kernel(normal(2, 9, 6, 20)).contract(40, 3, 2).window(3, pads=ONES).contract(24, 6, 2, residual=True).case(rows, "three")
for rows in (1, 2, 5):
    Kernel(normal(1, 11, 14, 16)).contract(48, 7, 3).window(3, 2, pads=ONES).case(rows, "product, stride 2")
    Kernel(normal(3, 10, 12, 35)).window(5, 2, pads=(2, 2, 1, 1)).contract(17, 2, 2).case(rows, "depthwise 5x5, product")
    Kernel(normal(1, 10, 9, 16)).window(3, dilation=2, pads=(2, 2, 2, 2)).contract(16, 9).case(rows, "dilation")
    # A convolution of whole lines, whose tiles need not end with them.
    Kernel(normal(2, 17, 13, 3)).contract(32, 4, 2, taps=3, stride=2, pads=ONES).window(3, pads=ONES).contract(16, 7).case(rows, "stem")
    Kernel(normal(1, 17, 13, 3)).contract(20, 4, 2, taps=3, stride=2, pads=ONES).window(3, 2, pads=ONES, kind="max").case(rows, "pool")
# Windows that see only padding above and below; rows between windows that nothing sees.
Kernel(normal(1, 2, 4, 8)).contract(16, 4).window(3, pads=(3, 1, 3, 1)).contract(16, 2).case(1, "high padding")
Kernel(normal(1, 13, 13, 8)).contract(16, 13).window(2, 4).contract(16, 1).case(2, "rows that nothing sees")
Kernel(normal(1, 8, 8, 64)).contract(64, 4, 2, blocks=2).window(3, pads=ONES).contract(32, 8, 2, blocks=2).case(3, "K in blocks")
Kernel(normal(1, 6, 1, 8)).contract(16, 1).window(3, pads=ONES).contract(16, 1).case(2, "one column")

if __name__ == "__main__":
    run_cases(CASES, lambda kernel, inputs, wanted: [check(kernel, inputs, wanted, 1e-4)])
