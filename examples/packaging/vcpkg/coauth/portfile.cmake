# An overlay port: it builds the source tree that it is part of. A port for a registry downloads a
# release with vcpkg_from_github instead.
#
#   vcpkg install coauth --overlay-ports=examples/packaging/vcpkg
cmake_path(ABSOLUTE_PATH CURRENT_PORT_DIR NORMALIZE)
cmake_path(APPEND CURRENT_PORT_DIR ../../../.. OUTPUT_VARIABLE SOURCE_PATH)
cmake_path(NORMAL_PATH SOURCE_PATH)

vcpkg_check_features(OUT_FEATURE_OPTIONS feature_options FEATURES
    testing COAUTH_BUILD_TESTING_SERVER)
vcpkg_cmake_configure(SOURCE_PATH "${SOURCE_PATH}" OPTIONS
    -DCOAUTH_BUILD_CLI=OFF
    -DCOAUTH_BUILD_EXAMPLES=OFF
    -DCOAUTH_BUILD_REDIS=OFF
    -DCOAUTH_BUILD_TESTS=OFF
    ${feature_options})
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/coauth)
vcpkg_fixup_pkgconfig()

file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include" "${CURRENT_PACKAGES_DIR}/debug/share")
file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
