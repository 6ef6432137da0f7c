#ifndef COAUTH_TEST_HOSTILE_FAILING_CALLS_HPP
#define COAUTH_TEST_HOSTILE_FAILING_CALLS_HPP

#include <cstddef>

namespace test
{

// While it lives, the n-th system call of this thread fails, counted from 1, among those for
// sockets, files, threads and waiting. timerfd_settime always succeeds, as it does in practice.
class failing_call
{
public:
    explicit failing_call(std::size_t n);
    ~failing_call();
    failing_call(failing_call const&) = delete;
    failing_call& operator=(failing_call const&) = delete;

    // The name of the call that failed, or null if there were fewer calls.
    [[nodiscard]] char const* which() const;
};

// While it lives, lookups of names fail, or with `cannot_wake` the lookup's thread cannot wake the
// event loop that waits for it.
class failing_lookups
{
public:
    explicit failing_lookups(bool cannot_wake = false);
    ~failing_lookups();
    failing_lookups(failing_lookups const&) = delete;
    failing_lookups& operator=(failing_lookups const&) = delete;
};

} // namespace test

#endif
