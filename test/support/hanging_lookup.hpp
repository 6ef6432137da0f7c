#ifndef COAUTH_TEST_SUPPORT_HANGING_LOOKUP_HPP
#define COAUTH_TEST_SUPPORT_HANGING_LOOKUP_HPP

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
    // How often the name was looked up since the last of these was made.
    [[nodiscard]] static int asked();
};

// While it lives, that name has a loopback address; else, while no lookup hangs, it has none.
class responded_lookup
{
public:
    responded_lookup();
    ~responded_lookup();
    responded_lookup(responded_lookup const&) = delete;
    responded_lookup& operator=(responded_lookup const&) = delete;
};

} // namespace test

#endif
