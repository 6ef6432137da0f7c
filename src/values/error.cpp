#include <coauth/error.hpp>
#include <coauth/result.hpp>

#include <boost/system/system_error.hpp>
#include <boost/throw_exception.hpp>

#include <ostream>
#include <utility>

namespace coauth
{
namespace
{

struct code_facts
{
    errc code;
    std::string_view name;
    error_kind kind;
    std::string_view sentence;
};

using enum error_kind;

constexpr code_facts facts[] = {
    {errc::invalid_configuration, "invalid_configuration", configuration,
     "the configuration is not usable"},
    {errc::invalid_parameter, "invalid_parameter", configuration,
     "the token request cannot be sent"},
    {errc::resolve_failed, "resolve_failed", resolve, "the server's name could not be resolved"},
    {errc::connect_failed, "connect_failed", connect, "the server could not be reached"},
    {errc::connection_lost, "connection_lost", connect, "the connection to the server was lost"},
    {errc::proxy_refused, "proxy_refused", connect, "the proxy did not open a tunnel"},
    {errc::tls_failed, "tls_failed", tls, "TLS failed"},
    {errc::certificate_verify_failed, "certificate_verify_failed", tls,
     "the server did not prove who it is"},
    {errc::timeout, "timeout", error_kind::timeout, "the deadline passed"},
    {errc::cancelled, "cancelled", error_kind::cancelled,
     "the operation was cancelled, or its client or token source closed"},
    {errc::out_of_memory, "out_of_memory", resource, "there was not enough memory"},
    {errc::random_failed, "random_failed", resource, "the system gave no random bytes"},
    {errc::queue_full, "queue_full", resource,
     "too many operations wait for a connection; raise connections.max_connections or max_queued"},
    {errc::redirect_refused, "redirect_refused", http,
     "the server responded with a redirect, which is never followed; give the URL that it leads "
     "to, "
     "if you trust it"},
    {errc::http_error, "http_error", http, "the server responded with a failure status"},
    {errc::malformed_http, "malformed_http", protocol, "the server does not speak proper HTTP"},
    {errc::incomplete_response, "incomplete_response", protocol, "the response was not complete"},
    {errc::response_too_large, "response_too_large", protocol,
     "the response is larger than allowed"},
    {errc::malformed_response, "malformed_response", protocol,
     "the response is not a usable token document"},
    {errc::unexpected_token_type, "unsupported_token_type", protocol,
     "the token is of a type that this client cannot use"},
    {errc::invalid_request, "invalid_request", oauth,
     "the server finds the request malformed; check further parameters and the client "
     "authentication method"},
    {errc::invalid_client, "invalid_client", oauth,
     "the server does not accept the client's credentials; check client id, secret or key, and by "
     "which method it wants them"},
    {errc::invalid_grant, "invalid_grant", oauth, "the server does not accept the grant"},
    {errc::unauthorized_client, "unauthorized_client", oauth,
     "this client may not use this grant; allow it at the server"},
    {errc::unsupported_grant_type, "unsupported_grant_type", oauth,
     "the server does not support this grant"},
    {errc::invalid_scope, "invalid_scope", oauth,
     "the scope is unknown, malformed, or more than this client may have"},
    {errc::invalid_target, "invalid_target", oauth,
     "the server does not know the resource, or does not accept it"},
    {errc::access_denied, "access_denied", oauth, "the server denies the request"},
    {errc::insufficient_scope, "insufficient_scope", oauth,
     "the rights of these credentials are not sufficient"},
    {errc::invalid_method, "invalid_method", oauth,
     "the server does not take POST here; check the URL of the token endpoint"},
    {errc::server_error, "server_error", oauth, "the server reports a fault of its own"},
    {errc::temporarily_unavailable, "temporarily_unavailable", oauth,
     "the server is overloaded or in maintenance"},
    {errc::use_dpop_nonce, "use_dpop_nonce", oauth,
     "the server wants a nonce in the DPoP proof, and gave none or did not accept the one that it "
     "gave"},
    {errc::invalid_dpop_proof, "invalid_dpop_proof", oauth,
     "the server does not accept the DPoP proof; check the clock and the key's algorithm"},
    {errc::unsupported_token_type, "unsupported_token_type", oauth,
     "the server does not revoke tokens of this kind; such a token ends by itself"},
    {errc::other_oauth_error, "other_oauth_error", oauth, "the server refused the request"},
    {errc::rate_limited, "rate_limited", error_kind::rate_limited, "the server throttles requests"},
    {errc::internal_error, "internal_error", resource,
     "something threw an exception that is not known here"},
};

constexpr code_facts unknown{errc{}, "no_error", error_kind{}, "no error"};

code_facts const& facts_of(errc code) noexcept
{
    for (auto const& row : facts)
        if (row.code == code)
            return row;
    return unknown;
}

class coauth_category final : public boost::system::error_category
{
public:
    [[nodiscard]] char const* name() const noexcept override { return "coauth"; }
    [[nodiscard]] std::string message(int value) const override
    {
        return std::string(facts_of(static_cast<errc>(value)).sentence);
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

bool transient_status(unsigned status) noexcept
{
    return status == 408 || status == 425 || status == 429 || status >= 500;
}

void append_server_words(std::string& text, error_info const& info)
{
    if (!info.oauth_error.empty())
        text += ", error " + info.oauth_error;
    if (info.server_code)
        text += ", code " + std::to_string(*info.server_code);
    if (!info.description.empty())
        text += ": " + info.description;
}

} // namespace

std::string_view to_string(errc code) noexcept
{
    return facts_of(code).name;
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
    return facts_of(code).kind;
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
    case errc::server_error:
    case errc::temporarily_unavailable:
    // The nonce changed twice, or the server's nodes have one each.
    case errc::use_dpop_nonce:
        return true;
    case errc::http_error:
        return transient_status(http_status());
    default:
        return false;
    }
}

bool error::is_authentication_failure() const noexcept
{
    return code_ == errc::invalid_client || code_ == errc::unauthorized_client ||
           (code_ == errc::http_error && http_status() == 401);
}

std::string error::message() const
{
    auto const& known = info();
    std::string text(facts_of(code_).sentence);
    if (!known.context.empty())
        text += ": " + known.context;
    if (known.cause)
        text += " (" + known.cause.message() + ")";
    if (known.http_status != 0)
    {
        text += " [HTTP " + std::to_string(known.http_status);
        append_server_words(text, known);
        text += "]";
    }
    return text;
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
