#ifndef COAUTH_TEST_HOSTILE_FAILING_CALLS_HPP
#define COAUTH_TEST_HOSTILE_FAILING_CALLS_HPP

#include <cstddef>

namespace test
{

// Of the system calls for sockets, files, threads and waiting that this thread makes while this
// lives, the n-th fails, counted from 1.
//
// Not that which sets the timer: the kernel has no reason to refuse it.
class failing_call
{
public:
    explicit failing_call(std::size_t n);
    ~failing_call();
    failing_call(failing_call const&) = delete;
    failing_call& operator=(failing_call const&) = delete;

    // The one that failed; null: it did not come so far.
    [[nodiscard]] char const* which() const;
};

// While it lives, names cannot be looked up; or the thread that looks them up cannot wake the loop
// that waits for it.
class failing_lookups
{
public:
    explicit failing_lookups(bool mute_only = false);
    ~failing_lookups();
    failing_lookups(failing_lookups const&) = delete;
    failing_lookups& operator=(failing_lookups const&) = delete;
};

} // namespace test

#endif
