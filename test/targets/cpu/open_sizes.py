"""Sizes that are expressions over symbols, as text: in types of kernels, and evaluated for one call."""
import re


class Number(int):
    """An integer with the operators of affine expressions: // and %, @ for ceildiv. x / 0 is 0."""

    def __add__(self, other):
        return Number(int(self) + int(other))

    def __sub__(self, other):
        return Number(int(self) - int(other))

    def __mul__(self, other):
        return Number(int(self) * int(other))

    __radd__, __rmul__ = __add__, __mul__

    def __floordiv__(self, other):
        return Number(int(self) // int(other) if other else 0)

    def __mod__(self, other):
        return Number(int(self) % int(other) if other else 0)

    def __matmul__(self, other):
        return Number(-(-int(self) // int(other)) if other else 0)


def evaluate(size, symbols):
    """The value of a number or of an expression like "(s0 * 2 + 1) floordiv 3"."""
    text = str(size).replace("floordiv", "//").replace("ceildiv", "@").replace("mod", "%")
    return int(eval(text, {f"s{i}": Number(value) for i, value in enumerate(symbols)}))


def tensor(shape, element="f32"):
    """The type of a tensor; open sizes are text."""
    sizes = "".join("?x" if isinstance(size, str) else f"{size}x" for size in shape)
    symbols = re.findall(r"s(\d+)", " ".join(map(str, shape)))
    if not symbols:
        return f"tensor<{sizes}{element}>"
    names = ", ".join(f"s{i}" for i in range(max(map(int, symbols)) + 1))
    return f"tensor<{sizes}{element}, affine_map<()[{names}] -> ({', '.join(map(str, shape))})>>"


def empty(name, shape):
    """tensor.empty; what it takes for open sizes says nothing that its type does not."""
    values = ", ".join("%size" for size in shape if isinstance(size, str))
    return f"  %{name} = tensor.empty({values}) : {tensor(shape)}\n"
