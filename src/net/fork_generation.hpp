#ifndef COAUTH_SRC_NET_FORK_GENERATION_HPP
#define COAUTH_SRC_NET_FORK_GENERATION_HPP

#include <coauth/export.hpp>

namespace coauth::net
{

// Number of forks between the first call and this process: a child process has another number than
// its parent.
COAUTH_DECL unsigned current_fork_generation() noexcept;

} // namespace coauth::net

#endif
