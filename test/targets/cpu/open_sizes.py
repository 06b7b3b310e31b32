"""Sizes that are expressions over symbols, as text: in types of kernels, and evaluated for one call."""
import functools
import re


def ceildiv(x, y):
    return -(-x // y)


@functools.lru_cache(maxsize=None)
def as_python(expression):
    """An affine expression, in which `ceildiv` is an operator, as an expression of Python."""
    tokens = re.findall(r"\w+|[-+*()]", expression)

    def factor():
        token = tokens.pop(0)
        if token == "(":
            inner = total()
            tokens.pop(0)
            return f"({inner})"
        return "-" + factor() if token == "-" else token

    def product():
        result = factor()
        while tokens and tokens[0] in ("*", "floordiv", "mod", "ceildiv"):
            token, right = tokens.pop(0), factor()
            sign = {"*": "*", "floordiv": "//", "mod": "%"}.get(token)
            result = f"({result} {sign} {right})" if sign else f"ceildiv({result}, {right})"
        return result

    def total():
        result = product()
        while tokens and tokens[0] in "+-":
            result = f"{result} {tokens.pop(0)} {product()}"
        return result

    return compile(total(), "<size>", "eval")


def evaluate(size, symbols):
    """The value of a number or of an expression like "(s0 * 2 + 1) floordiv 3"."""
    values = {f"s{i}": value for i, value in enumerate(symbols)}
    return eval(as_python(str(size)), {"ceildiv": ceildiv}, values)


def evaluate_shape(shape, symbols):
    return tuple(evaluate(size, symbols) for size in shape)


def tensor(shape, element="f32"):
    """The type of a tensor; open sizes are text over symbols: "s0 * 2"."""
    sizes = "".join(f"{'?' if isinstance(size, str) else size}x" for size in shape)
    symbols = re.findall(r"s(\d+)", " ".join(map(str, shape)))
    if not symbols:
        return f"tensor<{sizes}{element}>"
    names = ", ".join(f"s{i}" for i in range(max(map(int, symbols)) + 1))
    return f"tensor<{sizes}{element}, affine_map<()[{names}] -> ({', '.join(map(str, shape))})>>"


def empty(name, shape, element="f32"):
    """tensor.empty; what it takes for open sizes says nothing that its type does not."""
    values = ", ".join("%size" for size in shape if isinstance(size, str))
    return f"  %{name} = tensor.empty({values}) : {tensor(shape, element)}\n"


def affine(rank, results):
    """The map of `rank` dims to `results`: numbers are dims, strings expressions of d0, d1..."""
    dims = ", ".join(f"d{i}" for i in range(rank))
    return f"affine_map<({dims}) -> ({', '.join(r if isinstance(r, str) else f'd{r}' for r in results)})>"
