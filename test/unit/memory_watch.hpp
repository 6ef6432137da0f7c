#ifndef COAUTH_TEST_UNIT_MEMORY_WATCH_HPP
#define COAUTH_TEST_UNIT_MEMORY_WATCH_HPP

#include <cstddef>

namespace test
{

// While it lives, every released block of memory is searched for a text. One at a time.
class memory_watch
{
public:
    // `needle` must outlive the watch.
    explicit memory_watch(char const* needle) noexcept;
    ~memory_watch();
    memory_watch(memory_watch const&) = delete;
    memory_watch& operator=(memory_watch const&) = delete;

    // Number of released blocks that contained the text.
    [[nodiscard]] std::size_t found() const noexcept;
    // Number of all released blocks.
    [[nodiscard]] std::size_t released() const noexcept;
};

} // namespace test

#endif
