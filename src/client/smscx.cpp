#include <coauth/smscx.hpp>

#include <utility>

namespace coauth::smscx
{

authorization_server server(detail::text_argument host_url)
{
    std::string const host = std::move(host_url);
    authorization_server server;
    bool const slash = !host.empty() && host.back() == '/';
    server.token_endpoint = host.substr(0, host.size() - (slash ? 1 : 0)) + "/oauth/token";
    server.expires_in.zero = expires_in_rule::unknown;
    return server;
}

client_config
config(detail::text_argument application_id, secret application_secret, detail::text_argument host)
{
    client_config config;
    config.server = smscx::server(std::move(host));
    config.authentication = client_authentication::client_secret_basic_unencoded(
        std::move(application_id), std::move(application_secret));
    return config;
}

} // namespace coauth::smscx
