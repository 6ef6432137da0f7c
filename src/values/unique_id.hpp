#ifndef COAUTH_SRC_VALUES_UNIQUE_ID_HPP
#define COAUTH_SRC_VALUES_UNIQUE_ID_HPP

#include <atomic>
#include <cstdint>

namespace coauth::detail
{

// A number that no other call in this process returns; never 0.
inline std::uint64_t unique_id() noexcept
{
    static std::atomic<std::uint64_t> last{0};
    return ++last;
}

} // namespace coauth::detail

#endif
