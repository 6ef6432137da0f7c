#include <coauth/client_authentication.hpp>

namespace coauth
{

std::string_view to_string(authentication_method method) noexcept
{
    switch (method)
    {
    case authentication_method::unset:
        return "unset";
    case authentication_method::none:
        return "none";
    case authentication_method::anonymous:
        return "anonymous";
    case authentication_method::client_secret_basic:
        return "client_secret_basic";
    case authentication_method::client_secret_basic_unencoded:
        return "client_secret_basic_unencoded";
    case authentication_method::client_secret_post:
        return "client_secret_post";
    case authentication_method::client_secret_jwt:
        return "client_secret_jwt";
    case authentication_method::private_key_jwt:
        return "private_key_jwt";
    case authentication_method::client_assertion:
        return "client_assertion";
    case authentication_method::tls_client_auth:
        return "tls_client_auth";
    case authentication_method::self_signed_tls_client_auth:
        return "self_signed_tls_client_auth";
    case authentication_method::bearer_token:
        return "bearer_token";
    }
    return "unknown";
}

} // namespace coauth
