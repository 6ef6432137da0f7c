#!/usr/bin/env python3
"""Makes the reference and checks it: reference.py DOXYGEN DOXYFILE OUT.

Fails if doxygen warns, if a public name has no description (doxygen 1.9 does not warn about
enumerators, for example), or if a page links to a missing file."""

import pathlib
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

DOXYGEN, DOXYFILE, OUT = sys.argv[1:]


def make(out):
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    settings = pathlib.Path(DOXYFILE).read_text(encoding="utf-8")
    settings += f'\nOUTPUT_DIRECTORY = "{out}"\n'
    done = subprocess.run([DOXYGEN, "-"], input=settings, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0 or done.stdout.strip():
        yield f"doxygen ended with {done.returncode}:\n{done.stdout}"


def undescribed(xml):
    described = 0
    for path in xml.glob("*.xml"):
        for one in ElementTree.parse(path).iter():
            if one.tag not in ("memberdef", "enumvalue") or one.get("prot") == "private":
                continue
            if "".join(one.find("briefdescription").itertext()).strip():
                described += 1
            elif one.get("kind") != "friend":
                yield f"{path.name}: {one.findtext('name')} has no description"
    if described < 500:
        yield f"only {described} names were found"


def broken_links(html):
    pages = list(html.glob("*.html"))
    for page in pages:
        for link in re.findall(r'(?:href|src|data)="([^"]+)"', page.read_text(encoding="utf-8")):
            target = re.split("[?#]", link)[0]
            if target and not re.match("[a-z]+:", target) and not (html / target).exists():
                yield f"{page.name} links to {link}"
    if len(pages) < 50:
        yield f"only {len(pages)} pages were made"


def main():
    out = pathlib.Path(OUT)
    faults = list(make(out))
    if not faults:
        faults = [*undescribed(out / "xml"), *broken_links(out / "html")]
    for fault in faults:
        print(fault)
    sys.exit(bool(faults))


main()
