#include <coauth/smscx.hpp>

#include <utility>

namespace coauth::smscx
{

authorization_server server(detail::given_text given_host)
{
    std::string const host = std::move(given_host);
    authorization_server made;
    bool const slash = !host.empty() && host.back() == '/';
    made.token_endpoint = host.substr(0, host.size() - (slash ? 1 : 0)) + "/oauth/token";
    made.lifetimes.zero = lifetime_meaning::no_known_end;
    return made;
}

client_config
config(detail::given_text application_id, secret application_secret, detail::given_text host)
{
    client_config made;
    made.server = server(std::move(host));
    made.authentication = client_authentication::client_secret_basic_raw(
        std::move(application_id), std::move(application_secret));
    return made;
}

} // namespace coauth::smscx
