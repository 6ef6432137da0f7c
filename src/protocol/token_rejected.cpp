#include <coauth/token_rejected.hpp>

#include "protocol/challenge.hpp"

namespace coauth
{

bool is_invalid_token_challenge(unsigned status, std::string_view www_authenticate) noexcept
{
    if (status != 401)
        return false;
    protocol::challenge_parameters errors(www_authenticate, "error");
    bool other_error = false;
    while (auto const error_code = errors.next())
    {
        if (*error_code == "invalid_token")
            return true;
        other_error = true;
    }
    return !other_error;
}

} // namespace coauth
