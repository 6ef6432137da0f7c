#ifndef COAUTH_SRC_VALUES_RANDOM_FRACTION_HPP
#define COAUTH_SRC_VALUES_RANDOM_FRACTION_HPP

#include <coauth/export.hpp>

namespace coauth::detail
{

// A random number in [0, 1), for jitter. Not for secrets.
COAUTH_DECL double random_fraction() noexcept;

} // namespace coauth::detail

#endif
