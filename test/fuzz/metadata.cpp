// Metadata of an authorization server (RFC 8414), and the authentication selected by them.

#include <coauth/select_client_authentication.hpp>

#include "fuzz.hpp"
#include "protocol/endpoint_url.hpp"

namespace
{

constexpr std::string_view issuer = "https://as.example.com";

void check_url(std::string const& url, bool http_allowed)
{
    auto const parsed = coauth::protocol::parse_endpoint(url, "endpoint", http_allowed);
    fuzz::require(url.empty() || parsed, "every endpoint is valid");
    fuzz::require(
        !parsed || parsed->tls || http_allowed, "an endpoint uses https unless http is allowed");
}

void check_server(coauth::authorization_server const& server, bool http_allowed)
{
    fuzz::require(server.issuer == issuer, "metadata belong to the requested issuer");
    fuzz::require(!server.token_endpoint.empty(), "there is a token endpoint");
    auto const& aliases = server.mtls_endpoint_aliases;
    for (auto const* const url :
         {&server.token_endpoint, &server.introspection_endpoint, &server.revocation_endpoint,
          &aliases.token_endpoint, &aliases.introspection_endpoint, &aliases.revocation_endpoint})
        check_url(*url, http_allowed);
}

void check_choice(coauth::authorization_server const& server)
{
    coauth::available_credentials credentials;
    credentials.client_secret = fuzz::client_secret;
    auto const chosen = coauth::select_client_authentication(server, fuzz::client_id, credentials);
    if (!chosen)
        fuzz::require(
            !fuzz::holds(chosen.error().message(), fuzz::client_secret),
            "no text contains the secret");
}

} // namespace

int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    fuzz::input const from(data, size);
    auto const config = fuzz::config(from);
    auto const response = fuzz::response(from);
    auto const found =
        coauth::protocol::read_metadata_response(config, issuer, response, fuzz::times());
    if (!found)
    {
        fuzz::check_error(found.error(), response);
        return 0;
    }
    check_server(*found, config.allow_http_loopback);
    check_choice(*found);
    return 0;
}
