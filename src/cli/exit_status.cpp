#include "cli/exit_status.hpp"

namespace coauth::cli
{

exit_status to_exit_status(error_kind kind) noexcept
{
    switch (kind)
    {
    case error_kind::oauth:
    case error_kind::rate_limited:
    case error_kind::http:
        return exit_status::refused;
    case error_kind::configuration:
        return exit_status::usage;
    case error_kind::resolve:
    case error_kind::connect:
    case error_kind::tls:
    case error_kind::cancelled:
        return exit_status::network;
    case error_kind::timeout:
        return exit_status::timeout;
    case error_kind::protocol:
    case error_kind::resource:
        break;
    }
    return exit_status::unusable_response;
}

} // namespace coauth::cli
