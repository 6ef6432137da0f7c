#ifndef COAUTH_TEST_SUPPORT_SANITIZERS_HPP
#define COAUTH_TEST_SUPPORT_SANITIZERS_HPP

namespace test
{

// The sanitizer of this build. GCC defines macros, Clang has features.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool address_sanitizer = true;
#elif defined(__has_feature)
inline constexpr bool address_sanitizer = __has_feature(address_sanitizer);
#else
inline constexpr bool address_sanitizer = false;
#endif

#if defined(__SANITIZE_THREAD__)
inline constexpr bool thread_sanitizer = true;
#elif defined(__has_feature)
inline constexpr bool thread_sanitizer = __has_feature(thread_sanitizer);
#else
inline constexpr bool thread_sanitizer = false;
#endif

} // namespace test

#endif
