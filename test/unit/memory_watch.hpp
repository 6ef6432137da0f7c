#ifndef COAUTH_TEST_UNIT_MEMORY_WATCH_HPP
#define COAUTH_TEST_UNIT_MEMORY_WATCH_HPP

#include <cstddef>

namespace test
{

// While it lives, every block given back to the heap is searched for a text. One at a time.
class memory_watch
{
public:
    // `needle` must outlive the watch.
    explicit memory_watch(char const* needle) noexcept;
    ~memory_watch();
    memory_watch(memory_watch const&) = delete;
    memory_watch& operator=(memory_watch const&) = delete;

    // How many blocks were released with the text in them.
    [[nodiscard]] std::size_t found() const noexcept;
    // How many were released at all.
    [[nodiscard]] std::size_t released() const noexcept;
};

} // namespace test

#endif
