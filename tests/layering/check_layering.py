#!/usr/bin/env python3
"""Reads every include line and fails on an edge that docs/architecture.md does not allow.

Three rules: the folder graph; libraries that stay in their folder; and that time, threads, files,
sockets and randomness are reached only in runtime/real.
"""

import pathlib
import re
import sys

# folder -> the folders that it may include from, besides itself. docs/architecture.md shows the same.
MAY_INCLUDE = {
    "core": [],
    "runtime": ["core"],
    "catalog": ["core", "runtime", "proto"],
    "replication": ["core", "runtime", "proto"],
    "node": ["core", "runtime", "catalog", "replication", "proto"],
    "client": ["core", "runtime", "catalog", "proto"],
    "router": ["core", "runtime", "catalog", "client", "proto"],
    "offline": ["core", "runtime", "catalog", "client", "replication", "proto"],
    "cli": ["core", "runtime", "catalog", "replication", "node", "client", "router", "offline",
            "proto"],
}
ANYTHING = {"tests", "bench"}

# offline/ reads records, but has nothing to do with writing logs.
FROM_REPLICATION = {"offline": {"replication/segment.h", "replication/log_directory.h"}}

# header prefix -> folders (or files) that may include it
LIBRARIES = [
    (r"boost/asio|boost/beast/(core/tcp_stream|websocket|ssl)", ["runtime/real/"]),
    (r"boost/beast", ["router/"]),
    (r"(arrow|parquet)/", ["offline/"]),
    (r"leveldb/", ["node/"]),
    (r"curl/|openssl/", ["runtime/s3/"]),
    (r"spdlog/|prometheus/", ["runtime/real/"]),
    (r"CLI/", ["cli/"]),
    (r"yaml-cpp/", ["catalog/", "cli/"]),
    (r"google/protobuf", ["client/", "router/", "node/"]),
]
# For compile time, these stay out of every header that another folder includes, directly or through
# headers of its own folder. A folder's private headers may have them.
HEAVY = re.compile(r"boost/(asio|beast|unordered)|arrow/|parquet/|leveldb/|CLI/|yaml-cpp/|google/")

# What only runtime/real may touch: (pattern, what it is)
WORLD = [
    (r"\bstd::(jthread|thread)\b(?!::)", "a thread"),
    (r"\b(system_clock|steady_clock|high_resolution_clock)::now\b", "a clock"),
    (r"\b(random_device|mt19937(_64)?)\b", "randomness"),
    (r"\b(std::)?(ifstream|ofstream|fstream)\b|\bfopen\s*\(", "a file"),
    (r"\bstd::filesystem::(?!path\b)", "the file system"),
    (r"#include <(sys/socket|netinet/in|fcntl|unistd|sys/stat|sys/file)\.h>", "the operating system"),
    (r"\b(sleep_for|usleep|nanosleep)\b", "sleep"),
]
# cli/ asks the operating system who it is and whether it talks to a terminal: isatty, getpid.
WORLD_EXCEPTIONS = {("cli", "the operating system")}
# LevelDB compacts on a thread that only its Env can give it.
WORLD_FILE_EXCEPTIONS = {("node/view_thread.h", "a thread"), ("node/view_thread.cc", "a thread")}

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.M)


def strip_comments(text):
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)


def check_file(name, text):
    """Yields one message for each forbidden edge of the file `name` (relative to the root)."""
    folder = name.split("/")[0]
    code = strip_comments(text)
    if folder not in MAY_INCLUDE:
        if folder not in ANYTHING:
            yield f"{name}: folder '{folder}' is not in docs/architecture.md"
        return
    for quote, header in INCLUDE.findall(text):
        target = header.split("/")[0]
        if quote == '"':
            if "/" not in header:
                yield f'{name}: includes "{header}" without its folder'
            elif target != folder and target not in MAY_INCLUDE[folder]:
                yield f"{name}: {folder}/ may not include {header}"
            elif header.startswith("runtime/sim/") and not name.startswith("runtime/sim/"):
                yield f"{name}: runtime/sim is for tests and bench only ({header})"
            elif header.startswith("runtime/real/") and not (
                name.startswith("runtime/real/") or folder == "cli"
            ):
                yield f"{name}: only a program's main may include {header}"
            elif header.startswith("runtime/s3/") and not (
                name.startswith("runtime/s3/") or folder == "cli"
            ):
                yield f"{name}: only a program's main may include {header}"
            elif (
                folder in FROM_REPLICATION
                and target == "replication"
                and header not in FROM_REPLICATION[folder]
            ):
                yield f"{name}: {folder}/ reads records only; it may not include {header}"
        for pattern, owners in LIBRARIES:
            if re.match(pattern, header):
                if not any(name.startswith(owner) for owner in owners):
                    yield f"{name}: {header} belongs in {' or '.join(owners)}"
                break
    if not name.startswith("runtime/real/"):
        for pattern, what in WORLD:
            if (folder, what) in WORLD_EXCEPTIONS or (name, what) in WORLD_FILE_EXCEPTIONS:
                continue
            for match in re.finditer(pattern, code):
                line = code.count("\n", 0, match.start()) + 1
                yield f"{name}: near line {line}: touches {what} ('{match.group(0)}') outside runtime/real"


def check_public_headers(includes):
    """Yields a message for each heavy library that a folder's public headers bring along.

    includes: file name -> the headers that it includes.
    """
    public = {
        header
        for name, headers in includes.items()
        for header in headers
        if header in includes and header.split("/")[0] != name.split("/")[0]
        and name.split("/")[0] not in ANYTHING
    }
    pending, seen = sorted(public), set(public)
    while pending:
        name = pending.pop()
        for header in includes[name]:
            if HEAVY.match(header):
                yield f"{name}: other folders include it, and {header} is too heavy for that"
            elif header in includes and header not in seen:
                seen.add(header)
                pending.append(header)


def check_tree(root):
    """All messages for the tree, and how many files and leveldb users it has."""
    messages, files, leveldb_users, includes = [], 0, set(), {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.suffix not in (".h", ".cc") or name.startswith(("build/", ".")):
            continue
        files += 1
        text = path.read_text(encoding="utf-8")
        messages += check_file(name, text)
        includes[name] = [header for _, header in INCLUDE.findall(text)]
        if re.search(r"#\s*include\s+[<\"]leveldb/", text) and not name.startswith(("tests/", "bench/")):
            leveldb_users.add(name)
    messages += check_public_headers(includes)
    if len(leveldb_users) > 1:
        messages.append(f"LevelDB headers belong in one file: {', '.join(sorted(leveldb_users))}")
    return messages, files


def main():
    messages, files = check_tree(pathlib.Path(sys.argv[1]))
    for message in messages:
        print(message)
    print(f"{files} files read, {len(messages)} forbidden edges")
    return 1 if messages or files == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
