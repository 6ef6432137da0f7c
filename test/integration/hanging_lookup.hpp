#ifndef COAUTH_TEST_INTEGRATION_HANGING_LOOKUP_HPP
#define COAUTH_TEST_INTEGRATION_HANGING_LOOKUP_HPP

namespace test
{

// While it lives, the C library's lookup of this name hangs in its thread: this program's own
// getaddrinfo stands before the library's. One at a time.
class hanging_lookup
{
public:
    static constexpr char const* host = "hangs.test";

    hanging_lookup();
    ~hanging_lookup();
    hanging_lookup(hanging_lookup const&) = delete;
    hanging_lookup& operator=(hanging_lookup const&) = delete;

    // Waits until a lookup hangs. False: none did within ten seconds.
    [[nodiscard]] static bool wait();
};

} // namespace test

#endif
