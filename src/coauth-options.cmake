# Options for building coauth itself. A user's targets do not inherit them.
add_library(coauth_options INTERFACE)
target_compile_features(coauth_options INTERFACE cxx_std_20)
target_compile_options(coauth_options INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wshadow
    $<$<BOOL:${COAUTH_WARNINGS_AS_ERRORS}>:-Werror>)
# GCC takes the sources of a unity build for headers.
target_compile_options(coauth_options INTERFACE
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<BOOL:$<TARGET_PROPERTY:UNITY_BUILD>>>:-Wno-subobject-linkage>)
target_compile_definitions(coauth_options INTERFACE BOOST_ASIO_NO_DEPRECATED)
if(COAUTH_SANITIZE)
    target_compile_options(coauth_options INTERFACE
        -fsanitize=${COAUTH_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g1)
    target_link_options(coauth_options INTERFACE -fsanitize=${COAUTH_SANITIZE})
    if(COAUTH_SANITIZE MATCHES thread AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
        # GCC warns that it does not model fences. Asio's fences accompany atomics, which it does.
        target_compile_options(coauth_options INTERFACE -Wno-tsan)
    endif()
endif()

# Calls target_precompile_headers if coauth is the top-level project.
function(coauth_precompile target)
    if(coauth_IS_TOP_LEVEL)
        target_precompile_headers(${target} ${ARGN})
    endif()
endfunction()
