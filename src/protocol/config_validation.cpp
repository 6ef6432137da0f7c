#include "protocol/config_validation.hpp"

#include "protocol/assertion_rules.hpp"
#include "protocol/header_fields.hpp"
#include "values/encoding.hpp"
#include "values/make_error.hpp"

#include <array>
#include <initializer_list>
#include <utility>

namespace coauth::protocol
{
namespace
{

result<void> check_assertions(client_authentication const& authentication)
{
    auto const& options = authentication.assertions();
    auto checked =
        check_assertion_lifetime("authentication: the lifetime of assertions", options.lifetime);
    if (checked)
        checked = check_assertion_rules(
            "authentication: assertions", options.backdate, options.json_claims);
    if (!checked)
        return checked;
    if (detail::has_control(options.audience))
        return detail::config_error(
            "authentication: the audience of assertions contains a control character");
    if (options.type.empty() || detail::has_control(options.type))
        return detail::config_error(
            "authentication: the type of assertions is empty or contains a control "
            "character; the usual one is JWT");
    return {};
}

result<void> check_client_id(client_authentication const& authentication)
{
    // A client assertion may contain the client id.
    // Snowflake and Polaris know the client by its secret.
    auto const method = authentication.type();
    bool const optional = method == authentication_method::client_assertion ||
                          method == authentication_method::client_secret_post ||
                          method == authentication_method::bearer_token ||
                          method == authentication_method::anonymous;
    if (authentication.client_id().empty() && !optional)
        return detail::config_error(
            "authentication: the client id is empty; set the one that the server issued");
    if (detail::has_control(authentication.client_id()))
        return detail::config_error(
            "authentication: the client id contains a control character; check for a "
            "line break at its end");
    if (authentication.type() == authentication_method::client_secret_basic_unencoded &&
        authentication.client_id().find(':') != std::string::npos)
        return detail::config_error(
            "authentication: the client id contains a colon, which raw HTTP Basic cannot "
            "carry; use client_secret_basic or client_secret_post");
    return {};
}

bool is_hmac(signature_algorithm algorithm)
{
    return algorithm == signature_algorithm::hs256 || algorithm == signature_algorithm::hs384 ||
           algorithm == signature_algorithm::hs512;
}

bool has_certificate(tls_options const& options)
{
    return !options.certificate_file.empty() || !options.certificate_pem.empty();
}

result<void> check_authentication(client_config const& config)
{
    auto const& authentication = config.authentication;
    if (authentication.type() == authentication_method::unset)
        return detail::config_error(
            "authentication is not set; use client_authentication::client_secret_basic "
            "or another of its functions");
    if (auto const checked = check_client_id(authentication); !checked)
        return checked;
    switch (authentication.type())
    {
    case authentication_method::unset:
    case authentication_method::none:
    case authentication_method::anonymous:
        return {};
    case authentication_method::tls_client_auth:
    case authentication_method::self_signed_tls_client_auth:
        if (!has_certificate(config.tls))
            return detail::config_error("authentication: there is no client certificate; set "
                                        "tls.certificate_file or tls.certificate_pem");
        return {};
    case authentication_method::private_key_jwt:
        if (authentication.key().empty())
            return detail::config_error(
                "authentication: the signing key is empty; use signing_key::pem_file or "
                "another of its functions");
        return check_assertions(authentication);
    case authentication_method::client_secret_jwt:
        if (!is_hmac(authentication.algorithm()))
            return detail::config_error(
                "authentication: a client secret signs by HS256, HS384 or HS512, not " +
                std::string(to_string(authentication.algorithm())) + "; use private_key_jwt");
        if (auto const checked = check_assertions(authentication); !checked)
            return checked;
        return check_secret(authentication);
    default:
        return check_secret(authentication);
    }
}

result<void> check_limits(response_limits const& limits)
{
    if (limits.header < 512)
        return detail::config_error(
            "limits.header is " + std::to_string(limits.header) +
            " bytes; it must be at least 512");
    if (limits.body < 64)
        return detail::config_error(
            "limits.body is " + std::to_string(limits.body) + " bytes; it must be at least 64");
    constexpr std::size_t max_limit = std::size_t(1) << 30;
    if (limits.header > max_limit || limits.body > max_limit)
        return detail::config_error("limits.header and limits.body must not be more than 1 GiB");
    return {};
}

// Detects PEM text in place of a path: an error message would show the key.
result<void> check_paths(tls_options const& options)
{
    struct path_option
    {
        std::string const& path;
        char const* name;
        char const* pem_name;
    };
    for (auto const& [path, name, pem_name] :
         {path_option{options.ca_file, "tls.ca_file", "tls.ca_pem"},
          path_option{options.crl_file, "tls.crl_file", "tls.crl_pem"},
          path_option{options.certificate_file, "tls.certificate_file", "tls.certificate_pem"},
          path_option{options.key_file, "tls.key_file", "tls.key_pem"}})
        if (path.find("-----BEGIN") != std::string::npos)
            return detail::config_error(
                std::string(name) + " is PEM text, not a path; use " + pem_name);
    return {};
}

// Durations without another limit.
result<void> check_not_negative(
    std::initializer_list<std::pair<char const*, std::chrono::milliseconds>> durations)
{
    for (auto const& [name, duration] : durations)
        if (duration.count() < 0)
            return detail::config_error(
                std::string(name) + " is " + std::to_string(duration.count()) +
                " ms; it must not be negative");
    return {};
}

result<void> check_connections(connection_options const& options)
{
    using namespace std::chrono;
    if (options.max_connections < 1 || options.max_connections > 65'535)
        return detail::config_error(
            "connections.max_connections is " + std::to_string(options.max_connections) +
            "; it must be from 1 to 65535");
    if (options.connection_attempt_delay < milliseconds(10))
        return detail::config_error(
            "connections.connection_attempt_delay is " +
            std::to_string(options.connection_attempt_delay.count()) +
            " ms; it must be at least 10 ms (RFC 8305 section 8)");
    if (options.hedging_delay < milliseconds(10))
        return detail::config_error(
            "connections.hedging_delay is " + std::to_string(options.hedging_delay.count()) +
            " ms; it must be at least 10 ms");
    return check_not_negative(
        {{"connections.idle_timeout", options.idle_timeout},
         {"connections.max_age", options.max_age},
         {"connections.dns_cache_ttl", options.dns_cache_ttl}});
}

result<void> check_signed_introspection(client_config const& config)
{
    auto const& options = config.signed_introspection;
    auto const sources =
        int(!options.jwks.empty()) + int(!options.jwks_file.empty()) + int(options.fetch_jwks);
    if (sources == 0)
    {
        if (!options.audience.empty())
            return detail::config_error("signed_introspection.audience is set without keys; set "
                                        "signed_introspection.jwks, jwks_file or fetch_jwks too");
        return {};
    }
    if (sources > 1)
        return detail::config_error(
            "more than one of signed_introspection.jwks, jwks_file and fetch_jwks is set; set one");
    if (config.server.issuer.empty())
        return detail::config_error(
            "server.issuer is empty; signed_introspection needs it, to compare it with the issuer "
            "of each response");
    if (options.audience.empty() && config.authentication.client_id().empty())
        return detail::config_error(
            "signed_introspection.audience and the client id are empty; set one, to compare it "
            "with the audience of each response");
    return {};
}

result<void> check_rest(client_config const& config)
{
    using namespace std::chrono;
    if (auto const checked = check_timeout(config.timeout); !checked)
        return checked;
    if (detail::has_control(config.user_agent))
        return detail::config_error("user_agent contains a control character; remove it");
    if (auto const checked = check_header_fields(config.headers, errc::invalid_configuration);
        !checked)
        return checked;
    if (config.server.expires_in.assumed < seconds(0))
        return detail::config_error(
            "server.expires_in.assumed is " +
            std::to_string(config.server.expires_in.assumed.count()) +
            " s; it must not be negative");
    return {};
}

} // namespace

result<void> check_timeout(std::chrono::milliseconds timeout)
{
    using namespace std::chrono;
    if (timeout < milliseconds(1) || timeout > hours(1))
        return detail::config_error(
            "timeout is " + std::to_string(timeout.count()) +
            " ms; it must be from 1 ms to 1 hour");
    return {};
}

result<void> check_retry(retry_options const& options)
{
    using namespace std::chrono;
    if (options.max_attempts < 1)
        return detail::config_error(
            "retry.max_attempts is 0; it must be at least 1, which means no retries");
    return check_not_negative(
        {{"retry.initial_back_off", options.initial_back_off},
         {"retry.max_back_off", options.max_back_off},
         {"retry.attempt_timeout", options.attempt_timeout}});
}

std::string_view secret_name(authentication_method method) noexcept
{
    switch (method)
    {
    case authentication_method::client_assertion:
        return "client assertion";
    case authentication_method::bearer_token:
        return "bearer token";
    default:
        return "client secret";
    }
}

// The credentials themselves are never part of a message.
result<void> check_secret(client_authentication const& authentication)
{
    // Checked when the provider returned a secret.
    if (authentication.client_secret_provider())
        return {};
    auto const method = authentication.type();
    bool const has_function = method == authentication_method::client_assertion ||
                              method == authentication_method::bearer_token;
    if (has_function && authentication.client_secret().empty())
        return detail::config_error(
            "authentication: the " + std::string(secret_name(method)) +
            " is empty; set a function that returns one, such as secret_from_file");
    if (authentication.client_secret().empty())
        return detail::config_error(
            "authentication: the client secret is empty; set the one that the server "
            "issued, or use client_authentication::none");
    if (detail::has_control(authentication.client_secret().view()))
        return detail::config_error(
            "authentication: the " + std::string(secret_name(authentication.type())) +
            " contains a control character; check for a line break at its end");
    bool const fits_in_field =
        detail::is_printable_ascii(authentication.client_secret().view()) &&
        authentication.client_secret().view().find(' ') == std::string_view::npos;
    if (method == authentication_method::bearer_token && !fits_in_field)
        return detail::config_error(
            "authentication: the bearer token contains characters that are not allowed in a "
            "header field (RFC 6750 section 2.1); give the token alone");
    return {};
}

result<void> check_tls(tls_options const& options)
{
    if (auto const checked = check_paths(options); !checked)
        return checked;
    if (!options.ca_pem.empty() && options.ca_pem.find("-----BEGIN") == std::string::npos)
        return detail::config_error(
            "tls.ca_pem is not PEM text; it must contain -----BEGIN CERTIFICATE----- (a "
            "file name goes into tls.ca_file)");
    bool const has_uri = !options.key_uri.empty();
    bool const has_key = !options.key_file.empty() || !options.key_pem.empty();
    if (!has_certificate(options) && (has_key || has_uri))
        return detail::config_error(
            std::string(has_key ? "tls.key_file or tls.key_pem" : "tls.key_uri") +
            " is set without a certificate; set tls.certificate_file or tls.certificate_pem too");
    if (!options.certificate_file.empty() && !options.certificate_pem.empty())
        return detail::config_error(
            "tls.certificate_file and tls.certificate_pem are both set; set one");
    if (!options.key_file.empty() && !options.key_pem.empty())
        return detail::config_error("tls.key_file and tls.key_pem are both set; set one");
    if (has_key && has_uri)
        return detail::config_error("tls.key_uri is set beside another key; set one");
    return {};
}

result<endpoint> check_config(client_config const& config)
{
    auto endpoint = make_endpoint_for(config, endpoint_kind::token);
    if (!endpoint)
        return endpoint;
    for (auto const& checked :
         {check_authentication(config), check_limits(config.limits), check_tls(config.tls),
          check_connections(config.connections), check_retry(config.retry),
          check_signed_introspection(config), check_rest(config)})
        if (!checked)
            return checked.error();
    return endpoint;
}

std::string const& endpoint_url_for(client_config const& config, endpoint_kind kind)
{
    auto const& server = config.server;
    auto const& aliases = server.mtls_endpoint_aliases;
    bool const use_aliases = has_certificate(config.tls);
    auto const select = [&](std::string const& alias, std::string const& url) -> auto const&
    { return use_aliases && !alias.empty() ? alias : url; };
    switch (kind)
    {
    case endpoint_kind::introspection:
        return select(aliases.introspection_endpoint, server.introspection_endpoint);
    case endpoint_kind::revocation:
        return select(aliases.revocation_endpoint, server.revocation_endpoint);
    case endpoint_kind::token:
        break;
    }
    return select(aliases.token_endpoint, server.token_endpoint);
}

result<endpoint> make_endpoint_for(client_config const& config, endpoint_kind kind)
{
    auto const& url = endpoint_url_for(config, kind);
    constexpr std::array<std::string_view, 3> names = {
        "server.token_endpoint", "server.introspection_endpoint", "server.revocation_endpoint"};
    return parse_endpoint(url, names[static_cast<std::size_t>(kind)], config.allow_http_loopback);
}

} // namespace coauth::protocol
