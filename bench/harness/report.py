"""Lines of results. One comparison is one line of JSON, in the form of docs/performance.md."""

import json
import statistics

# How often better we are: the peer's cost / ours, or our rate / the peer's.
LOWER, HIGHER = "lower is better", "higher is better"


def median(values):
    return statistics.median(values)


def compare(bench, unit, ours, peer, peer_name, goal, better=LOWER):
    """`ours` and `peer`: a figure a round. Without a peer (None) the goal bounds our figure itself;
    without a goal there is nothing to hold."""
    our_median = median(ours)
    line = {"bench": bench, "unit": unit, "ours": rounded(our_median), "peer": None,
            "peer_name": peer_name, "ratio": None, "goal": goal, "holds": None,
            "rounds": [rounded(value) for value in ours]}
    if peer is not None:
        peer_median = median(peer)
        ratio = peer_median / our_median if better == LOWER else our_median / peer_median
        line["peer"], line["ratio"] = rounded(peer_median), rounded(ratio)
        line["rounds"] = [[rounded(a), rounded(b)] for a, b in zip(ours, peer)]
        if goal is not None:
            line["holds"] = ratio >= goal
    elif goal is not None:
        line["holds"] = our_median <= goal if better == LOWER else our_median >= goal
    return line


def rounded(value):
    """Four significant digits: more would be noise."""
    return float(f"{value:.4g}")


def publish(lines, path):
    text = "".join(json.dumps(line) + "\n" for line in lines)
    if path:
        with open(path, "w") as file:
            file.write(text)
    print(text, end="", flush=True)
