#!/usr/bin/env python3
"""Compares the files that the compiler included with the include rules of the layers.

The compiler's depfiles list every included file at any depth, so that indirect includes are checked
too.
"""
import argparse
import pathlib
import re
import subprocess
import sys

# Patterns of paths that may be forbidden. Paths of the project are relative to its root.
ASIO = r"/boost/asio[./]"
ASIO_SOCKETS = r"/boost/asio/(ip|ssl|local|generic)/|/boost/asio/(ssl|ip)\.hpp|/boost/asio\.hpp"
BEAST = r"/boost/beast[./]"
JSON = r"/boost/json[./]"
URL = r"/boost/url[./]"
OPENSSL = r"/openssl/"
IOSTREAM = r"/iostream$"
RANDOM_AND_THREADS = r"/c\+\+/[^/]+/(random|thread)$"
SRC = r"^src/"

# The rooms of the library, and the rooms that each may include besides itself and `values`.
ROOMS = {
    "values": (),
    "crypto": (),
    "protocol": (),
    "policy": (),
    "net": ("crypto",),
    "authentication": ("crypto", "protocol"),
    "client": ("net", "protocol", "policy", "crypto", "authentication"),
    "token_source": (
        "client", "policy", "crypto", "net", "protocol", "authentication", "token_store",
    ),
    "token_store": ("net", "policy", "crypto", "protocol"),
}
# Further rules, whatever rooms a room may include.
NOT_OF_ROOMS = {
    "values": (ASIO, BEAST, URL),
    "crypto": (ASIO, BEAST, JSON, URL),
    "protocol": (ASIO, BEAST, OPENSSL, RANDOM_AND_THREADS),
    "policy": (ASIO, BEAST, JSON, URL, OPENSSL, RANDOM_AND_THREADS),
    "net": (JSON, URL),
    "authentication": (ASIO, BEAST, JSON, URL),
    "client": (BEAST, JSON, URL),
    "token_source": (BEAST, JSON, URL),
    "token_store": (BEAST, JSON, URL),
}


def room_rules():
    for room, allowed in ROOMS.items():
        others = "|".join(sorted(set(ROOMS) - {room, "values", *allowed}))
        if others:
            yield (rf"src/{room}/", rf"^src/({others})/", f"{room} may not include it")
        yield (rf"src/{room}/", r"^src/(testing|cli)/", "the library knows no program")
        for forbidden in NOT_OF_ROOMS[room]:
            yield (rf"src/{room}/", forbidden, f"not allowed in {room}")


# (room, forbidden, reason). All matching rules apply. A room is a pattern of the compiled file, or of
# the header for a public header.
RULES = [
    (r"include/", BEAST, "public headers show no Beast"),
    (r"include/", JSON, "public headers show no JSON"),
    (r"include/", URL, "public headers show no URL library"),
    (r"include/", OPENSSL, "public headers show no OpenSSL"),
    (r"include/", ASIO_SOCKETS, "public headers include the light Asio headers alone"),
    (r"include/", IOSTREAM, "public headers do not include <iostream>"),
    (r"include/", SRC, "public headers include nothing of src"),
    *room_rules(),
    (r"src/(testing|cli)/", rf"^src/({'|'.join(ROOMS)})/", "they use the library as its users do"),
    (r"src/cli/", r"^src/testing/", "the command uses the testing server as its users do"),
    (r"src/testing/", r"^src/cli/", "the testing server is no part of the command"),
    (r"test/(unit|fuzz)/", BEAST, "unit tests and fuzzers do no I/O"),
    (r"test/(unit|fuzz)/", ASIO_SOCKETS, "unit tests and fuzzers do no I/O"),
    (r"test/(?!(unit|fuzz|net)/)", SRC, "only tests of the inner rooms look inside"),
    (r"test/net/", r"^src/(?!(net|crypto|values)/)", "tests of net see net alone"),
    (r"(examples|bench)/", SRC, "they use the library as its users do"),
]

# Headers that cost 15 s to compile. At most one file of `net` includes them, and none of the other
# rooms.
HEAVY = r"/boost/beast/http/|/boost/asio/ssl/stream\.hpp"
# Direct includes of `values` that are not allowed: it needs only to clear and to compare memory.
OPENSSL_BEYOND_MEMORY = r"#include <openssl/(?!crypto\.h>)"

# The Asio headers that public headers may include.
LIGHT_ASIO = {
    "any_completion_handler",
    "any_io_executor",
    "associated_allocator",
    "associated_cancellation_slot",
    "associated_executor",
    "associator",
    "async_result",
    "awaitable",
    "cancellation_signal",
    "cancellation_state",
    "co_spawn",
    "deferred",
    "dispatch",
    "execution/blocking",
    "execution_context",
    "executor_work_guard",
    "post",
    "require",
    "this_coro",
}

def objects(ninja, build):
    """Yields (source, included files) of every object in the build directory."""
    text = subprocess.run(
        [ninja, "-C", build, "-t", "deps"], check=True, capture_output=True, text=True
    ).stdout
    for block in text.split("\n\n"):
        lines = block.splitlines()
        if len(lines) > 1 and lines[0].endswith("(VALID)"):
            files = [(pathlib.Path(build) / line.strip()).resolve() for line in lines[1:]]
            yield files[0], files[1:]


def is_value_header(project, header):
    """A public header belongs to the room of its .cpp file; without one, to the values.

    Templates of operations (async_*), adapters of completion tokens (as_*) and coauth.hpp have no
    .cpp file either.
    """
    path = pathlib.PurePath(header)
    if path.parent != pathlib.PurePath("include/coauth") or path.name == "coauth.hpp":
        return False
    files = project.source.glob(f"src/*/{path.stem}.cpp")
    rooms = [file.parent.name for file in files if file.parent.name in ROOMS]
    if not rooms:
        return not path.name.startswith(("async_", "as_"))
    return any(ASIO in NOT_OF_ROOMS[room] for room in rooms)


class Project:
    def __init__(self, source, build):
        self.source = pathlib.Path(source).resolve()
        self.headers_room = pathlib.Path(build).resolve() / "test" / "headers"

    def name(self, path):
        """The path relative to the root; the test of a public header counts as the header."""
        if path.is_relative_to(self.headers_room):
            return "include/" + str(path.relative_to(self.headers_room)).removesuffix(".cpp")
        if path.is_relative_to(self.source) and not path.is_relative_to(self.headers_room.parents[1]):
            return str(path.relative_to(self.source))
        return str(path)


def included_faults(project, seen):
    for room, included in seen.items():
        for pattern, forbidden, why in RULES:
            if re.match(pattern, room):
                hits = [file for file in included if re.search(forbidden, file)]
                if hits:
                    yield f"{room} includes {hits[0]}: {why}"
        if is_value_header(project, room):
            hits = [file for file in included if re.search(ASIO, file)]
            if hits:
                yield f"{room} includes {hits[0]}: headers of values include no Asio"
    yield from heavy_faults(seen)
    for room in ROOMS:
        for file in sorted(project.source.glob(f"src/{room}/*.cpp")):
            if project.name(file) not in seen:
                yield f"{project.name(file)} was not built: is it in src/CMakeLists.txt?"


def heavy_faults(seen):
    rooms = "|".join(ROOMS)
    heavy = [file for file, included in seen.items() if re.match(rf"src/({rooms})/", file)
             and any(re.search(HEAVY, header) for header in included)]
    for file in heavy:
        if not file.startswith("src/net/"):
            yield f"{file} includes Beast HTTP or TLS streams: only a file of net does"
    in_net = [file for file in heavy if file.startswith("src/net/")]
    if len(in_net) > 1:
        yield f"{', '.join(in_net)} include Beast HTTP or TLS streams: one file is enough"


def text_faults(project):
    for file in sorted((project.source / "src").glob("*.[ch]pp")):
        yield f"{project.name(file)} is a source file at the top of src: each belongs to a room"
    for file in sorted((project.source / "src/values").glob("*.[ch]pp")):
        if re.search(OPENSSL_BEYOND_MEMORY, file.read_text()):
            yield f"{project.name(file)} includes more of OpenSSL than its memory functions"
    for room in ("src/protocol", "src/policy"):
        for file in sorted((project.source / room).glob("*.[ch]pp")):
            for number, line in enumerate(file.read_text().splitlines(), 1):
                if re.search(r"\bnow\s*\(\s*\)", line.split("//")[0]):
                    yield f"{project.name(file)}:{number} reads a clock: time is an argument here"
    for file in sorted((project.source / "include").rglob("*.hpp")):
        for header in re.findall(r"#include <boost/asio/(.*)\.hpp>", file.read_text()):
            if header not in LIGHT_ASIO:
                yield f"{project.name(file)} includes boost/asio/{header}.hpp: not a light header"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--source", required=True)
    parser.add_argument("--build", required=True)
    parser.add_argument("--ninja", default="ninja")
    args = parser.parse_args()

    project = Project(args.source, args.build)
    seen = {}
    for source, included in objects(args.ninja, args.build):
        seen.setdefault(project.name(source), set()).update(map(project.name, included))
    seen = {room: sorted(included) for room, included in sorted(seen.items())}

    faults = [*included_faults(project, seen), *text_faults(project)]
    print(f"{len(seen)} files compiled, {len(RULES)} rules, {len(faults)} faults")
    for fault in faults:
        print(" ", fault)
    return 1 if faults else 0


sys.exit(main())
