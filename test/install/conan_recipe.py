#!/usr/bin/env python3
"""Runs the Conan recipe without Conan: conan_recipe.py RECIPE VERSION PREFIX OUT.

Modules that stand for Conan's record the calls. The sources that the recipe exports are configured
for real, and the libraries that it names are those of the installed tree.
"""

import fnmatch
import importlib.util
import pathlib
import shutil
import subprocess
import sys
import types

recipe, version, prefix, out = sys.argv[1:]
out = pathlib.Path(out)
shutil.rmtree(out, ignore_errors=True)
out.mkdir(parents=True)


class Anything:
    """Settings, options and folders."""

    def __init__(self, **values):
        self.__dict__.update(values)


class ConanFile:
    pass


class Component(Anything):
    def __init__(self):
        super().__init__(properties={}, libs=[], requires=[])

    def set_property(self, name, value):
        self.properties[name] = value


class CppInfo(Component):
    def __init__(self):
        super().__init__()
        self.components = {"coauth": Component(), "testing": Component()}


class CMakeToolchain:
    last = None

    def __init__(self, of):
        self.cache_variables = {}
        CMakeToolchain.last = self

    def generate(self):
        pass


class CMake:
    def __init__(self, of):
        self.of = of

    def configure(self):
        options = [f"-D{n}={v}" for n, v in CMakeToolchain.last.cache_variables.items()]
        subprocess.run(
            ["cmake", "-G", "Ninja", "-S", self.of.source_folder, "-B", out / "build", *options],
            check=True,
        )

    def build(self):
        pass

    def install(self):
        pass


def copy(of, pattern, src, dst):
    src = pathlib.Path(src)
    found = [p for p in src.rglob("*") if fnmatch.fnmatch(str(p.relative_to(src)), pattern)]
    assert found, f"{pattern}: no such file in {src}"
    for path in found:
        if path.is_file():
            to = pathlib.Path(dst) / path.relative_to(src)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, to)


def module(name, **names):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__dict__.update(names)


module("conan", ConanFile=ConanFile)
module("conan.errors", ConanInvalidConfiguration=ValueError)
module("conan.tools")
module("conan.tools.build", check_min_cppstd=lambda of, standard: None)
module(
    "conan.tools.cmake",
    CMake=CMake,
    CMakeDeps=lambda of: Anything(generate=lambda: None),
    CMakeToolchain=CMakeToolchain,
    cmake_layout=lambda of: None,
)
module(
    "conan.tools.files",
    copy=copy,
    load=lambda of, path: pathlib.Path(path).read_text(),
    rmdir=lambda of, path: None,
)

spec = importlib.util.spec_from_file_location("recipe", recipe)
loaded = importlib.util.module_from_spec(spec)
sys.dont_write_bytecode = True
spec.loader.exec_module(loaded)

package = loaded.CoauthConan()
package.recipe_folder = str(pathlib.Path(recipe).parent)
package.export_sources_folder = package.source_folder = str(out / "sources")
package.package_folder = str(out / "package")
package.settings = Anything(os="Linux")
package.options = Anything(shared=False, testing=True)
package.cpp_info = CppInfo()
required = []
package.requires = lambda name, **traits: required.append(name.split("/")[0])

package.set_version()
assert package.version == version, f"the recipe's version is {package.version}"
package.export_sources()
package.layout()
package.requirements()
package.validate()
package.generate()
package.build()
package.package()
package.package_info()

assert (out / "package/licenses/LICENSE").is_file()
for name, component in package.cpp_info.components.items():
    assert component.properties["cmake_target_name"] == f"coauth::{name}", name
    for library in component.libs:
        assert list(pathlib.Path(prefix).glob(f"lib*/lib{library}.*")), f"no library {library}"
    for other in component.requires:
        assert other.split("::")[0] in required + ["coauth"], f"{other} is not required"
cache = (out / "build/CMakeCache.txt").read_text()
assert "COAUTH_BUILD_CLI:UNINITIALIZED=False" in cache or "COAUTH_BUILD_CLI:BOOL=False" in cache
