# What `cmake --install` puts where: headers, libraries, the command, and what find_package and
# pkg-config need to find them.
include(CMakePackageConfigHelpers)

set(config_directory ${CMAKE_INSTALL_LIBDIR}/cmake/coauth)

set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME development)
install(TARGETS coauth EXPORT coauth-targets FILE_SET HEADERS)
if(TARGET coauth_testing)
    install(TARGETS coauth_testing EXPORT coauth-testing-targets FILE_SET HEADERS)
    install(EXPORT coauth-testing-targets NAMESPACE coauth:: DESTINATION ${config_directory})
endif()
if(TARGET coauth_redis)
    install(TARGETS coauth_redis EXPORT coauth-redis-targets FILE_SET HEADERS)
    install(EXPORT coauth-redis-targets NAMESPACE coauth:: DESTINATION ${config_directory})
endif()
if(TARGET coauth_cli)
    install(TARGETS coauth_cli COMPONENT command)
    install(FILES ${CMAKE_CURRENT_LIST_DIR}/cli/completion.bash
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME coauth
        COMPONENT command)
    install(DIRECTORY ${PROJECT_BINARY_DIR}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1
        COMPONENT command OPTIONAL)
endif()
install(EXPORT coauth-targets NAMESPACE coauth:: DESTINATION ${config_directory})

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/coauth-config.cmake.in
    ${PROJECT_BINARY_DIR}/coauth-config.cmake INSTALL_DESTINATION ${config_directory})
# Until 1.0 a new minor version may change the interface.
write_basic_package_version_file(
    ${PROJECT_BINARY_DIR}/coauth-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/coauth-config.cmake
    ${PROJECT_BINARY_DIR}/coauth-config-version.cmake DESTINATION ${config_directory})

# Boost has no .pc file: name its libraries, and its directories unless the compiler knows them.
set(pc_boost_cflags "")
if(NOT Boost_INCLUDE_DIRS IN_LIST CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES)
    set(pc_boost_cflags "-I${Boost_INCLUDE_DIRS}")
endif()
set(pc_boost_libs "-lboost_url -lboost_json")
if(Boost_LIBRARY_DIRS AND NOT Boost_LIBRARY_DIRS IN_LIST CMAKE_CXX_IMPLICIT_LINK_DIRECTORIES)
    string(PREPEND pc_boost_libs "-L${Boost_LIBRARY_DIRS} ")
endif()
# A shared library knows what it needs; with a static one the user's link has to name it.
set(pc_requires "libssl >= 3, libcrypto >= 3")
set(pc_libs "-lcoauth")
if(BUILD_SHARED_LIBS)
    set(pc_requires_private "${pc_requires}")
    set(pc_libs_private "${pc_boost_libs}")
    set(pc_requires "")
else()
    set(pc_requires_private "")
    set(pc_libs_private "")
    string(APPEND pc_libs " ${pc_boost_libs}")
endif()
# Relative to the file itself, so that an installed tree may be moved.
set(pc_directory ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_LIBDIR BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX}
    OUTPUT_VARIABLE pc_libdir)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_INCLUDEDIR BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX}
    OUTPUT_VARIABLE pc_includedir)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX
    BASE_DIRECTORY ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig OUTPUT_VARIABLE pc_prefix)
configure_file(${CMAKE_CURRENT_LIST_DIR}/coauth.pc.in ${PROJECT_BINARY_DIR}/coauth.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/coauth.pc DESTINATION ${pc_directory})
if(TARGET coauth_testing)
    configure_file(${CMAKE_CURRENT_LIST_DIR}/coauth-testing.pc.in
        ${PROJECT_BINARY_DIR}/coauth-testing.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/coauth-testing.pc DESTINATION ${pc_directory})
endif()
if(TARGET coauth_redis)
    set(pc_redis_libs "-lcoauth_redis -lhiredis")
    set(pc_redis_libs_private "")
    if(BUILD_SHARED_LIBS)
        set(pc_redis_libs "-lcoauth_redis")
        set(pc_redis_libs_private "-lhiredis")
    endif()
    configure_file(${CMAKE_CURRENT_LIST_DIR}/coauth-redis.pc.in
        ${PROJECT_BINARY_DIR}/coauth-redis.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/coauth-redis.pc DESTINATION ${pc_directory})
endif()

install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY ${PROJECT_BINARY_DIR}/docs/html DESTINATION ${CMAKE_INSTALL_DOCDIR} OPTIONAL)
