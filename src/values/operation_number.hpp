#ifndef COAUTH_SRC_VALUES_OPERATION_NUMBER_HPP
#define COAUTH_SRC_VALUES_OPERATION_NUMBER_HPP

#include <cstdint>

namespace coauth::detail
{

// A new `event_context::operation`. Thread-safe.
std::uint64_t next_operation_number() noexcept;

} // namespace coauth::detail

#endif
