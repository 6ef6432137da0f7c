#include "protocol/validate.hpp"

#include "protocol/encoding.hpp"

namespace coauth::protocol
{
namespace
{

using method = client_authentication::method;

error refuse(std::string context)
{
    error_info info;
    info.context = std::move(context);
    return {errc::invalid_configuration, std::move(info)};
}

// The credentials themselves are never part of a message.
result<void> check_authentication(client_authentication const& who)
{
    if (who.how() == method::unset)
        return refuse("authentication is not set; use client_authentication::client_secret_basic "
                      "or another of its functions");
    if (who.client_id().empty())
        return refuse(
            "authentication: the client id is empty; give the one that the server issued");
    if (has_control(who.client_id()))
        return refuse("authentication: the client id contains a control character; check for a "
                      "line break at its end");
    if (who.how() == method::none)
        return {};
    bool const raw = who.how() == method::client_secret_basic_raw;
    if (raw && who.client_id().find(':') != std::string::npos)
        return refuse("authentication: the client id contains a colon, which raw HTTP Basic cannot "
                      "carry; use client_secret_basic or client_secret_post");
    // It is looked at when it is there.
    if (who.client_secret_function())
        return {};
    if (who.client_secret().empty())
        return refuse("authentication: the client secret is empty; give the one that the server "
                      "issued, or use client_authentication::none");
    if (has_control(who.client_secret().view()))
        return refuse("authentication: the client secret contains a control character; check for a "
                      "line break at its end");
    return {};
}

result<void> check_limits(answer_limits const& limits)
{
    if (limits.header < 512)
        return refuse(
            "limits.header is " + std::to_string(limits.header) +
            " bytes; it must be at least 512");
    if (limits.body < 64)
        return refuse(
            "limits.body is " + std::to_string(limits.body) + " bytes; it must be at least 64");
    constexpr std::size_t most = std::size_t(1) << 30;
    if (limits.header > most || limits.body > most)
        return refuse("limits.header and limits.body must not be more than 1 GiB");
    return {};
}

result<void> check_tls(tls_options const& options)
{
    if (!options.ca_pem.empty() && options.ca_pem.find("-----BEGIN") == std::string::npos)
        return refuse("tls.ca_pem is not PEM text; it must contain -----BEGIN CERTIFICATE----- (a "
                      "file name goes into tls.ca_file)");
    return {};
}

result<void> check_connections(connection_options const& options)
{
    using namespace std::chrono_literals;
    if (options.max_connections < 1 || options.max_connections > 65'535)
        return refuse(
            "connections.max_connections is " + std::to_string(options.max_connections) +
            "; it must be from 1 to 65535");
    if (options.idle_timeout < 0ms || options.lookup_lifetime < 0ms)
        return refuse("connections.idle_timeout and lookup_lifetime must not be negative");
    if (options.connect_stagger < 10ms)
        return refuse("connections.connect_stagger must be at least 10 ms (RFC 8305 section 8)");
    return {};
}

result<void> check_retry(retry_options const& options)
{
    using namespace std::chrono_literals;
    if (options.max_attempts < 1)
        return refuse("retry.max_attempts is 0; it must be at least 1, which repeats nothing");
    if (options.first_delay < 0ms || options.max_delay < 0ms || options.attempt_timeout < 0ms)
        return refuse("retry.first_delay, max_delay and attempt_timeout must not be negative");
    return {};
}

result<void> check_rest(client_config const& config)
{
    using namespace std::chrono_literals;
    if (config.timeout < 1ms || config.timeout > 1h)
        return refuse(
            "timeout is " + std::to_string(config.timeout.count()) +
            " ms; it must be from 1 ms to 1 hour");
    if (has_control(config.user_agent))
        return refuse("user_agent contains a control character; remove it");
    if (config.server.lifetimes.assumed < 0s)
        return refuse("server.lifetimes.assumed is negative; give a number of seconds from 0 on");
    return {};
}

} // namespace

result<endpoint> check_config(client_config const& config)
{
    auto where = parse_endpoint(
        config.server.token_endpoint, "server.token_endpoint", config.allow_http_loopback);
    if (!where)
        return where;
    for (auto const& checked :
         {check_authentication(config.authentication), check_limits(config.limits),
          check_tls(config.tls), check_connections(config.connections), check_retry(config.retry),
          check_rest(config)})
        if (!checked)
            return checked.error();
    return where;
}

} // namespace coauth::protocol
