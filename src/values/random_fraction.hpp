#ifndef COAUTH_SRC_VALUES_RANDOM_FRACTION_HPP
#define COAUTH_SRC_VALUES_RANDOM_FRACTION_HPP

namespace coauth::detail
{

// In [0, 1), for what is spread over time; no secret comes of it.
double random_fraction() noexcept;

} // namespace coauth::detail

#endif
