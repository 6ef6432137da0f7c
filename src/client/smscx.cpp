#include <coauth/smscx.hpp>

#include <utility>

namespace coauth::smscx
{

authorization_server server(detail::text_argument given_host)
{
    std::string const host = std::move(given_host);
    authorization_server made;
    bool const slash = !host.empty() && host.back() == '/';
    made.token_endpoint = host.substr(0, host.size() - (slash ? 1 : 0)) + "/oauth/token";
    made.expires_in.zero = expires_in_rule::unknown;
    return made;
}

client_config
config(detail::text_argument application_id, secret application_secret, detail::text_argument host)
{
    client_config made;
    made.server = server(std::move(host));
    made.authentication = client_authentication::client_secret_basic_unencoded(
        std::move(application_id), std::move(application_secret));
    return made;
}

} // namespace coauth::smscx
