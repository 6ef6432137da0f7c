#include <coauth/error.hpp>
#include <coauth/result.hpp>

#include "values/encoding.hpp"
#include "values/refused_credentials.hpp"

#include <boost/system/system_error.hpp>
#include <boost/throw_exception.hpp>

#include <algorithm>
#include <ostream>
#include <utility>

namespace coauth
{
namespace
{

struct code_entry
{
    errc code;
    std::string_view name;
    error_kind kind;
    std::string_view message;
};

using enum error_kind;

constexpr code_entry code_table[] = {
    {errc::invalid_configuration, "invalid_configuration", configuration,
     "the configuration is invalid"},
    {errc::invalid_parameter, "invalid_parameter", configuration, "the request is invalid"},
    {errc::resolve_failed, "resolve_failed", resolve, "the server's name could not be resolved"},
    {errc::connect_failed, "connect_failed", connect, "could not connect to the server"},
    {errc::connection_lost, "connection_lost", connect, "the connection to the server was lost"},
    {errc::proxy_refused, "proxy_refused", connect, "the proxy did not open a tunnel"},
    {errc::tls_failed, "tls_failed", tls, "TLS failed"},
    {errc::certificate_verify_failed, "certificate_verify_failed", tls,
     "the server's certificate could not be verified"},
    {errc::timeout, "timeout", error_kind::timeout, "the deadline passed"},
    {errc::cancelled, "cancelled", error_kind::cancelled,
     "the operation was cancelled, or its client or token source was closed"},
    {errc::out_of_memory, "out_of_memory", resource, "there was not enough memory"},
    {errc::random_failed, "random_failed", resource, "the system returned no random bytes"},
    {errc::queue_full, "queue_full", resource,
     "too many operations are waiting for a connection; raise connections.max_connections or "
     "connections.max_queued"},
    {errc::redirect_refused, "redirect_refused", http,
     "the server responded with a redirect, which is never followed; configure the final URL if "
     "you trust it"},
    {errc::http_error, "http_error", http, "the server responded with an error status"},
    {errc::malformed_http, "malformed_http", protocol, "the response is not valid HTTP"},
    {errc::incomplete_response, "incomplete_response", protocol, "the response is incomplete"},
    {errc::response_too_large, "response_too_large", protocol,
     "the response is larger than the limit"},
    {errc::malformed_response, "malformed_response", protocol, "the response is invalid"},
    {errc::unexpected_token_type, "unexpected_token_type", protocol,
     "the token has a type that this client cannot use"},
    {errc::invalid_request, "invalid_request", oauth,
     "the server rejected the request as malformed; check its parameters and the client "
     "authentication method"},
    {errc::invalid_client, "invalid_client", oauth,
     "the server rejected the client's credentials; check client id, secret or key, and the "
     "client authentication method"},
    {errc::invalid_grant, "invalid_grant", oauth, "the server rejected the grant"},
    {errc::unauthorized_client, "unauthorized_client", oauth,
     "the client is not allowed to use this grant; allow it at the server"},
    {errc::unsupported_grant_type, "unsupported_grant_type", oauth,
     "the server does not support this grant"},
    {errc::invalid_scope, "invalid_scope", oauth,
     "the scope is unknown, malformed, or not allowed for this client"},
    {errc::invalid_target, "invalid_target", oauth,
     "the resource is unknown to the server, or not accepted"},
    {errc::access_denied, "access_denied", oauth, "the server denied the request"},
    {errc::insufficient_scope, "insufficient_scope", oauth,
     "the client's permissions are not sufficient"},
    {errc::invalid_method, "invalid_method", oauth,
     "the endpoint does not accept POST; check its URL"},
    {errc::server_error, "server_error", oauth, "the server reported an internal error"},
    {errc::temporarily_unavailable, "temporarily_unavailable", oauth,
     "the server is overloaded or in maintenance"},
    {errc::use_dpop_nonce, "use_dpop_nonce", oauth,
     "the server requires a nonce in the DPoP proof, but sent none or rejected its own"},
    {errc::invalid_dpop_proof, "invalid_dpop_proof", oauth,
     "the server rejected the DPoP proof; check the clock and the algorithm of the key"},
    {errc::unsupported_token_type, "unsupported_token_type", oauth,
     "the server does not revoke tokens of this type; the token is valid until it expires"},
    {errc::other_oauth_error, "other_oauth_error", oauth, "the server rejected the request"},
    {errc::rate_limited, "rate_limited", error_kind::rate_limited,
     "the server received too many requests"},
    {errc::internal_error, "internal_error", resource, "an unexpected exception was thrown"},
};

constexpr code_entry no_error{errc{}, "no_error", error_kind{}, "no error"};

code_entry const& find_entry(errc code) noexcept
{
    for (auto const& entry : code_table)
        if (entry.code == code)
            return entry;
    return no_error;
}

class coauth_category final : public boost::system::error_category
{
public:
    [[nodiscard]] char const* name() const noexcept override { return "coauth"; }
    [[nodiscard]] std::string message(int value) const override
    {
        return std::string(find_entry(static_cast<errc>(value)).message);
    }
    [[nodiscard]] boost::system::error_condition
    default_error_condition(int value) const noexcept override
    {
        auto const kind = kind_of(static_cast<errc>(value));
        if (kind == error_kind{})
            return {value, *this};
        return make_error_condition(kind);
    }
};

class kind_category final : public boost::system::error_category
{
public:
    [[nodiscard]] char const* name() const noexcept override { return "coauth.kind"; }
    [[nodiscard]] std::string message(int value) const override
    {
        return std::string(to_string(static_cast<error_kind>(value)));
    }
};

bool equal(http_headers const& a, http_headers const& b) noexcept
{
    return std::equal(
        a.begin(), a.end(), b.begin(), b.end(), [](http_header const& x, http_header const& y)
        { return x.name == y.name && x.value == y.value; });
}

bool equal(std::vector<error_member> const& a, std::vector<error_member> const& b) noexcept
{
    return std::equal(
        a.begin(), a.end(), b.begin(), b.end(), [](error_member const& x, error_member const& y)
        { return x.name == y.name && x.json == y.json; });
}

bool is_transient_status(unsigned status) noexcept
{
    return status == 408 || status == 425 || status == 429 || status >= 500;
}

void append_server_text(std::string& text, error_info const& info)
{
    if (!info.oauth_error.empty())
        text += ", error " + info.oauth_error;
    if (info.server_code)
        text += ", code " + std::to_string(*info.server_code);
    if (!info.description.empty() && info.description != info.oauth_error)
        text += ": " + info.description;
}

} // namespace

std::string_view to_string(errc code) noexcept
{
    return find_entry(code).name;
}

std::string_view to_string(error_kind kind) noexcept
{
    switch (kind)
    {
    case configuration:
        return "configuration";
    case resolve:
        return "resolve";
    case connect:
        return "connect";
    case tls:
        return "tls";
    case error_kind::timeout:
        return "timeout";
    case error_kind::cancelled:
        return "cancelled";
    case http:
        return "http";
    case error_kind::protocol:
        return "protocol";
    case oauth:
        return "oauth";
    case error_kind::rate_limited:
        return "rate_limited";
    case resource:
        return "resource";
    }
    return "none";
}

error_kind kind_of(errc code) noexcept
{
    return find_entry(code).kind;
}

boost::system::error_category const& error_category() noexcept
{
    static coauth_category const category;
    return category;
}

boost::system::error_category const& error_kind_category() noexcept
{
    static kind_category const category;
    return category;
}

boost::system::error_code make_error_code(errc code) noexcept
{
    return {static_cast<int>(code), error_category()};
}

boost::system::error_condition make_error_condition(error_kind kind) noexcept
{
    return {static_cast<int>(kind), error_kind_category()};
}

error::error(errc code, error_info info)
    : code_(code)
    , info_(std::make_shared<error_info const>(std::move(info)))
{
}

error_info const& error::info() const noexcept
{
    static error_info const none;
    return info_ ? *info_ : none;
}

bool error::transient() const noexcept
{
    switch (code_)
    {
    case errc::timeout:
    case errc::resolve_failed:
    case errc::connect_failed:
    case errc::connection_lost:
    case errc::incomplete_response:
    case errc::rate_limited:
    case errc::queue_full:
    case errc::random_failed:
    case errc::temporarily_unavailable:
    // The nonce changed twice, or each node of the server has its own.
    case errc::use_dpop_nonce:
        return true;
    // These may have the status of an earlier attempt.
    case errc::invalid_configuration:
    case errc::invalid_parameter:
    case errc::cancelled:
    case errc::out_of_memory:
    case errc::internal_error:
        return false;
    case errc::server_error:
        return http_status() != 401;
    case errc::invalid_client:
    case errc::invalid_grant:
    case errc::unauthorized_client:
    case errc::unsupported_grant_type:
    case errc::invalid_scope:
        return http_status() >= 500;
    // The status counts, whatever error code a gateway or a framework puts into the body.
    default:
        return is_transient_status(http_status());
    }
}

bool error::is_authentication_failure() const noexcept
{
    switch (code_)
    {
    case errc::invalid_client:
    case errc::unauthorized_client:
        return true;
    case errc::http_error:
    case errc::other_oauth_error:
    case errc::access_denied:
        break;
    // ServiceNow responds so to wrong credentials.
    case errc::server_error:
        return http_status() == 401;
    default:
        return false;
    }
    if (http_status() == 401 || is_transient_status(http_status()))
        return http_status() == 401;
    using detail::refusal_meaning;
    auto const meaning = detail::meaning_of_refusal(description());
    // Status 403 with a sentence is about permissions, unless it says that they are wrong.
    return detail::meaning_of_refusal(oauth_error()) != refusal_meaning::other ||
           meaning == refusal_meaning::invalid_credentials ||
           (http_status() != 403 && meaning == refusal_meaning::refused_credentials);
}

std::optional<std::string_view> error::member(std::string_view name) const noexcept
{
    for (auto const& member : members())
        if (member.name == name)
            return member.json;
    return std::nullopt;
}

std::string error::message() const
{
    auto const& details = info();
    std::string text(find_entry(code_).message);
    if (!details.context.empty())
        text += ": " + details.context;
    if (details.cause)
        text += " (" + details.cause.message() + ")";
    if (details.http_status != 0)
    {
        text += " [HTTP " + std::to_string(details.http_status);
        append_server_text(text, details);
        text += "]";
    }
    return text;
}

bool operator==(error const& a, error const& b) noexcept
{
    auto const& x = a.info();
    auto const& y = b.info();
    if (a.code_ != b.code_ || &x == &y)
        return a.code_ == b.code_;
    return x.context == y.context && x.cause == y.cause && x.http_status == y.http_status &&
           x.oauth_error == y.oauth_error && x.description == y.description && x.uri == y.uri &&
           x.server_code == y.server_code && x.retry_at == y.retry_at && x.attempts == y.attempts &&
           equal(x.headers, y.headers) && equal(x.members, y.members);
}

std::ostream& operator<<(std::ostream& out, error const& e)
{
    return out << e.message();
}

void throw_exception_from_error(error const& e, boost::source_location const& where)
{
    boost::throw_exception(boost::system::system_error(e.code(), e.message()), where);
}

} // namespace coauth
