#ifndef COAUTH_SRC_VALUES_RANDOM_FRACTION_HPP
#define COAUTH_SRC_VALUES_RANDOM_FRACTION_HPP

namespace coauth::detail
{

// A random number in [0, 1), for jitter. Not for secrets.
double random_fraction() noexcept;

} // namespace coauth::detail

#endif
