"""What the rows are: the definitions that go with the shapes of bench/load/row_shape.h."""

import collections

Shape = collections.namedtuple("Shape", "name type features about")

SHAPES = {shape.name: shape for shape in (
    Shape("f64x20", "float64", 20, "20 x float64"),
    Shape("f32x20", "float32", 20, "20 x float32"),
    Shape("str16x5", "string", 5, "5 strings of 16 bytes"),
    Shape("vec128x1", "vector<float32, 128>", 1, "1 vector of 128 x float32"),
)}
S = SHAPES["f64x20"]
TTL = "7d"
FEW = 5


def definitions(shape):
    """Project `bench`: group `s`, services `all` and `five`. Online only, as the peers are."""
    names = [f"f{number:02}" for number in range(shape.features)]
    lines = [
        "project: bench",
        "entities:",
        "  - {name: entity, keys: [{name: id, type: string}]}",
        "feature_groups:",
        "  - name: s",
        "    entity: entity",
        "    owner: bench@example.org",
        f"    ttl: {TTL}",
        "    offline: false",
        "    features:",
        *(f"      - {{name: {name}, type: \"{shape.type}\"}}" for name in names),
        "feature_services:",
        '  - {name: all, features: ["s:*"]}',
        f'  - {{name: five, features: ["s:[{", ".join(names[:FEW])}]"]}}',
    ]
    return "\n".join(lines) + "\n"
