"""Conan 2 recipe. It packages the source tree that it is part of:

conan create examples/packaging/conan --build=missing
"""

import os
import re

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load, rmdir

required_conan_version = ">=2.0"


class CoauthConan(ConanFile):
    name = "coauth"
    description = "OAuth 2.0 access tokens for C++20 servers on Boost.Asio"
    license = "BSL-1.0"
    topics = ("oauth2", "asio", "coroutines", "http")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False], "fPIC": [True, False], "testing": [True, False]}
    default_options = {"shared": False, "fPIC": True, "testing": False}
    implements = ["auto_shared_fpic"]

    def _root(self):
        return os.path.join(self.recipe_folder, "..", "..", "..")

    def set_version(self):
        header = load(self, os.path.join(self._root(), "include", "coauth", "version.hpp"))
        self.version = re.search(r'COAUTH_VERSION_STRING "([0-9.]+)"', header).group(1)

    def export_sources(self):
        for pattern in ("CMakeLists.txt", "LICENSE", "include/*", "src/*"):
            copy(self, pattern, src=self._root(), dst=self.export_sources_folder)

    def layout(self):
        cmake_layout(self)

    def requirements(self):
        self.requires("boost/[>=1.81 <2]", transitive_headers=True)
        self.requires("openssl/[>=3 <4]")

    def validate(self):
        check_min_cppstd(self, 20)
        if self.settings.os != "Linux":
            raise ConanInvalidConfiguration("coauth has been built on Linux only")

    def generate(self):
        toolchain = CMakeToolchain(self)
        for part in ("CLI", "EXAMPLES", "REDIS", "TESTS"):
            toolchain.cache_variables[f"COAUTH_BUILD_{part}"] = False
        toolchain.cache_variables["COAUTH_BUILD_TESTING_SERVER"] = bool(self.options.testing)
        toolchain.generate()
        CMakeDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(
            self, "LICENSE", src=self.source_folder, dst=os.path.join(self.package_folder, "licenses")
        )
        CMake(self).install()
        # Conan makes these files itself.
        for directory in ("cmake", "pkgconfig"):
            rmdir(self, os.path.join(self.package_folder, "lib", directory))

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "coauth")
        library = self.cpp_info.components["coauth"]
        library.libs = ["coauth"]
        library.set_property("cmake_target_name", "coauth::coauth")
        library.set_property("pkg_config_name", "coauth")
        library.requires = ["boost::headers", "boost::json", "boost::url", "openssl::openssl"]
        library.system_libs = ["pthread"]
        if self.options.testing:
            testing = self.cpp_info.components["testing"]
            testing.libs = ["coauth_testing"]
            testing.set_property("cmake_target_name", "coauth::testing")
            testing.set_property("pkg_config_name", "coauth-testing")
            testing.requires = ["coauth"]
