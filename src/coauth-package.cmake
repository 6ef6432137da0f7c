# What `cpack -G DEB` makes: the package `coauth` with the command, and `libcoauth-dev` with headers,
# libraries and the reference, if `--target docs` made it before.
set(CPACK_PACKAGE_VENDOR "the authors of coauth")
set(CPACK_PACKAGE_CONTACT "the authors of coauth")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL development)
if(TARGET coauth_cli)
    list(APPEND CPACK_COMPONENTS_ALL command)
endif()

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_COMMAND_PACKAGE_NAME coauth)
set(CPACK_DEBIAN_COMMAND_PACKAGE_SECTION net)
set(CPACK_DEBIAN_COMMAND_PACKAGE_SHLIBDEPS ON)
set(CPACK_COMPONENT_COMMAND_DESCRIPTION
"OAuth 2.0 access tokens on the command line
 Gets, introspects and revokes access tokens of OAuth 2.0 servers, shows a server's
 metadata, and runs an authorization server for tests.")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libcoauth-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION
"OAuth 2.0 access tokens for C++20 servers on Boost.Asio (development files)
 Headers, libraries, and files for CMake and pkg-config. coauth::testing, an
 authorization server for tests, is included.")

# Debian 12 has the Boost that is needed under a name with its version, and beside it an older one.
set(boost_version "")
if(Boost_VERSION_MINOR AND EXISTS /etc/os-release)
    file(STRINGS /etc/os-release bookworm REGEX "VERSION_CODENAME=\"?bookworm")
    if(bookworm)
        set(boost_version "${Boost_VERSION_MAJOR}.${Boost_VERSION_MINOR}")
    endif()
endif()
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
    "libssl-dev, libboost${boost_version}-dev, libboost-json${boost_version}-dev, libboost-url${boost_version}-dev")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SUGGESTS "coauth, pkg-config")
if(BUILD_SHARED_LIBS)
    # Within the package itself; the command needs it too.
    set(CPACK_DEBIAN_COMMAND_PACKAGE_DEPENDS "libcoauth-dev (= ${PROJECT_VERSION})")
    set(CPACK_DEBIAN_COMMAND_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${PROJECT_BINARY_DIR}/src")
endif()

include(CPack)
