"""P7 and S2: resident memory an entity, over that of the server before the first row."""

from . import load, processes, report, shapes, stores
from .processes import note

UNIT = "bytes of server memory per entity"
P7_GOALS = {"P7": ("f64x20", 215), "P7.f32": ("f32x20", 135)}


def bytes_per_entity(store, options, shape=None):
    load.fill(store, options.entities, shape=shape)
    processes.settle(store.pid)
    load.spot_check(store, options.entities, shape=shape)
    used = processes.memory_bytes(store.pid)
    store.close()
    return (used - store.empty_bytes) / options.entities, used / options.entities


def measure(bench, shape, goal, options, place):
    samples = [bytes_per_entity(stores.Tokura(place, shape), options, shape)
               for _ in range(options.rounds)]
    taken = [sample[0] for sample in samples]
    note(f"{bench}: {shape.about}: {report.median(taken):.0f} bytes an entity; whole process / "
         f"entities: {report.median([sample[1] for sample in samples]):.0f}")
    return report.compare(bench, UNIT, taken, None, None, goal)


def run_p7(names, options, place):
    lines = [measure(bench, shapes.SHAPES[shape], goal, options, place)
             for bench, (shape, goal) in P7_GOALS.items()]
    for kind in (stores.RedisHashes, stores.RedisPacked, stores.Memcached):
        taken, _ = bytes_per_entity(kind(place), options)
        note(f"P7: for comparison, {kind.name}: {taken:.0f} bytes an entity")
    return lines


def run_s2(names, options, place):
    goals = {shape: goal for shape, goal in P7_GOALS.values()}
    return [measure(f"S2.{name}", shape, goals.get(name), options, place)
            for name, shape in shapes.SHAPES.items()]
