#include "cli/client_options.hpp"

#include <coauth/dpop.hpp>
#include <coauth/smscx.hpp>

#include "cli/authentication_options.hpp"
#include "cli/flags.hpp"
#include "cli/proxy_flag.hpp"
#include "cli/read_secret.hpp"
#include "cli/sanitize_for_terminal.hpp"

#include <boost/lexical_cast/try_lexical_convert.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace coauth::cli
{
namespace
{

// The time limit ends them earlier.
constexpr unsigned max_retries = 1000;

result<std::chrono::milliseconds> read_timeout(std::string const& text)
{
    double seconds = 0;
    // The result must fit an integer. The library checks the real limits.
    bool const is_valid =
        boost::conversion::try_lexical_convert(text, seconds) && std::abs(seconds) < 1e9;
    if (!is_valid)
        return usage_error("--timeout is a number of seconds, as in 2.5, not " + in_quotes(text));
    return std::chrono::milliseconds(std::llround(seconds * 1000));
}

result<authorization_server> read_server(client_flags const& flags)
{
    if (!flags.provider.empty() && flags.provider != "smscx")
        return usage_error(
            "there is no provider " + in_quotes(flags.provider) +
            ": give smscx, or the URL of any other server with --issuer or --token-endpoint");
    if (!flags.host.empty() && !flags.token_endpoint.empty())
        return usage_error("--host and --token-endpoint exclude each other: --token-endpoint is "
                           "the whole URL already");
    if (!flags.issuer.empty() && !(flags.provider + flags.host + flags.token_endpoint).empty())
        return usage_error("--issuer excludes --provider, --host and --token-endpoint: the issuer "
                           "says where its endpoints are");
    authorization_server server;
    if (is_smscx(flags))
        server = smscx::server(flags.host.empty() ? smscx::default_host : flags.host);
    if (!flags.token_endpoint.empty())
        server.token_endpoint = flags.token_endpoint;
    server.introspection_endpoint = flags.introspection_endpoint;
    server.revocation_endpoint = flags.revocation_endpoint;
    server.token_type_aliases.insert(
        server.token_type_aliases.end(), flags.bearer_names.begin(), flags.bearer_names.end());
    // A client needs a token endpoint, even if it sends no request there.
    for (auto const& url : {flags.introspection_endpoint, flags.revocation_endpoint})
        if (server.token_endpoint.empty() && flags.issuer.empty())
            server.token_endpoint = url;
    return server;
}

// The options that do not depend on the client's credentials.
result<client_options> read_common(client_flags const& flags)
{
    client_options options;
    auto server = read_server(flags);
    if (!server)
        return server.error();
    auto const timeout = read_timeout(flags.timeout);
    if (!timeout)
        return timeout.error();
    auto proxy = read_proxy(flags);
    if (!proxy)
        return proxy.error();
    auto& config = options.config;
    config.proxy = std::move(*proxy);
    config.server = std::move(*server);
    config.tls.ca_file = flags.ca_file;
    config.timeout = *timeout;
    // By default one attempt: the first error is the most useful one for a person.
    config.retry.max_attempts = std::min(flags.retries, max_retries) + 1;
    config.user_agent = flags.user_agent;
    config.allow_http_loopback = flags.http_loopback;
    options.issuer = flags.issuer;
    options.verbose = flags.verbose;
    return options;
}

void set_certificate(client_flags const& flags, client_config& config)
{
    config.tls.certificate_file = flags.certificate_file;
    config.tls.key_file = flags.certificate_key_file;
    config.tls.key_passphrase = key_passphrase();
}

// Chooses the algorithm by the server's metadata, if there are any.
result<void> set_dpop_key(client_options& options)
{
    if (options.dpop_key.empty())
        return {};
    auto const key = select_dpop_key(options.config.server, options.dpop_key);
    if (!key)
        return key.error();
    options.config.dpop = std::make_shared<dpop_prover>(*key);
    return {};
}

result<void> select_method(client_options& options)
{
    auto server = options.config.server;
    if (!(server.*options.methods).empty())
        server.authentication_methods = server.*options.methods;
    auto selected =
        select_client_authentication(server, options.client_id, std::move(options.credentials));
    if (selected)
        return options.config.authentication = std::move(*selected), result<void>();
    auto info = selected.error().info();
    info.context += "; give --client-secret-file, --key-file or --cert-file to fit, or select a "
                    "method with --auth";
    return error(selected.error().value(), std::move(info));
}

// Sets `options.config.authentication`, if the flags decide the method.
result<void> set_authentication(
    client_options& options, client_flags const& flags, std::optional<authentication_method> method)
{
    auto const make = [&]
    { return make_authentication(flags, *method, options.client_id, options.credentials); };
    // All else is checked before the secret is read, which may wait for a person to type it.
    if (method)
        if (auto const checked = make(); !checked)
            return checked.error();
    if (needs_secret(flags, method))
    {
        auto secret = read_secret(client_secret_source, flags.client_secret_file);
        if (!secret)
            return secret.error();
        options.credentials.client_secret = std::move(*secret);
    }
    options.selects_method = !method;
    if (method)
        options.config.authentication = *make();
    return {};
}

} // namespace

result<client_options> read_client_options(client_flags const& flags)
{
    auto options = read_common(flags);
    if (!options)
        return options;
    auto const method = read_authentication_method(flags);
    if (!method)
        return method.error();
    if (auto const checked = check_combination(flags, *method); !checked)
        return checked.error();
    auto client_id = read_client_id(flags, *method);
    if (!client_id)
        return client_id.error();
    auto credentials = read_credentials(flags);
    if (!credentials)
        return credentials.error();
    auto dpop_key = read_dpop_key(flags);
    if (!dpop_key)
        return dpop_key.error();
    options->client_id = std::move(*client_id);
    options->credentials = std::move(*credentials);
    options->dpop_key = std::move(*dpop_key);
    if (auto const done = set_authentication(*options, flags, *method); !done)
        return done.error();
    set_certificate(flags, options->config);
    if (options->issuer.empty())
        if (auto const done = set_dpop_key(*options); !done)
            return done.error();
    return options;
}

result<client_options> read_discovery_options(client_flags const& flags)
{
    if (flags.issuer.empty())
        return usage_error("the issuer is missing: give --issuer URL");
    return read_common(flags);
}

discovery_options to_discovery_options(client_config const& config)
{
    discovery_options options;
    options.tls = config.tls;
    options.proxy = config.proxy;
    options.timeout = config.timeout;
    options.allow_http_loopback = config.allow_http_loopback;
    options.user_agent = config.user_agent;
    return options;
}

result<void> set_server(client_options& options, authorization_server discovered)
{
    auto const from_flags = std::exchange(options.config.server, std::move(discovered));
    auto& server = options.config.server;
    server.token_type_aliases = from_flags.token_type_aliases;
    // Endpoints on the command line take precedence.
    if (!from_flags.introspection_endpoint.empty())
    {
        server.introspection_endpoint = from_flags.introspection_endpoint;
        server.mtls_endpoint_aliases.introspection_endpoint.clear();
    }
    if (!from_flags.revocation_endpoint.empty())
    {
        server.revocation_endpoint = from_flags.revocation_endpoint;
        server.mtls_endpoint_aliases.revocation_endpoint.clear();
    }
    if (auto const done = set_dpop_key(options); !done)
        return done;
    return options.selects_method ? select_method(options) : result<void>();
}

} // namespace coauth::cli
