#ifndef COAUTH_ERROR_HPP
#define COAUTH_ERROR_HPP

#include <coauth/export.hpp>
#include <coauth/http_headers.hpp>

#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/error_condition.hpp>

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace coauth
{

/// What went wrong, exactly. The name of each value is what `to_string` returns.
enum class errc
{
    /// The client's configuration breaks a rule; `error::message()` says which and what to change.
    invalid_configuration = 1,
    /// A member of the `token_request` cannot be sent; `error::message()` says which and why.
    invalid_parameter,

    /// The server's host name has no address, or the lookup failed.
    resolve_failed,
    /// No address of the server accepted a connection.
    connect_failed,
    /// The connection was lost while the request or the answer was on its way.
    connection_lost,
    /// The proxy did not open a tunnel; `error::http_status()` is its answer's.
    proxy_refused,
    /// The TLS handshake, or the TLS connection later, failed.
    tls_failed,
    /// The server's certificate is not trusted, not valid now, or not for this host.
    certificate_rejected,

    /// The deadline passed. The cause, if any, is the last failure before it.
    timeout,
    /// The caller cancelled the operation, or destroyed the client.
    cancelled,
    /// There was no memory to finish the operation.
    out_of_memory,
    /// The system gave no random bytes for the identifier of an assertion or a proof.
    no_randomness,
    /// More operations wait for a connection than `connection_options::max_waiting` allows.
    too_many_waiting,

    /// The server answered with a redirect, which is never followed (RFC 9700 section 4.12).
    redirect_refused,
    /// The server answered with a failure status and no OAuth error in it.
    http_error,

    /// What came back is not a well-formed HTTP answer.
    malformed_http,
    /// The connection ended before the answer was complete.
    incomplete_answer,
    /// The answer is larger than the configured limits.
    answer_too_large,
    /// The answer is no valid token document (RFC 6749 section 5.1), or no usable token is in it.
    malformed_answer,
    /// The token is of a type that this client cannot use (RFC 6749 section 7.1).
    unsupported_token_type,

    /// RFC 6749 section 5.2: the server says that the request is malformed.
    invalid_request,
    /// RFC 6749 section 5.2: unknown client, wrong secret, or wrong authentication method.
    invalid_client,
    /// RFC 6749 section 5.2: the grant is invalid, expired or revoked.
    invalid_grant,
    /// RFC 6749 section 5.2: this client may not use this grant.
    unauthorized_client,
    /// RFC 6749 section 5.2: the server does not support this grant.
    unsupported_grant_type,
    /// RFC 6749 section 5.2: the scope is unknown, malformed or more than the client may have.
    invalid_scope,
    /// RFC 8707 section 2: the resource is unknown or malformed.
    invalid_target,
    /// The server denies the request.
    access_denied,
    /// The scope of the credentials does not reach (RFC 6750 section 3.1; SMS.CX, status 403).
    insufficient_scope,
    /// SMS.CX, status 405: the endpoint takes only POST.
    invalid_method,
    /// The server reports a fault of its own.
    server_error,
    /// The server reports that it is overloaded or in maintenance.
    temporarily_unavailable,
    /// RFC 9449 section 8: the server wants a nonce in the DPoP proof. The client sends the one
    /// that it gave by itself, once.
    use_dpop_nonce,
    /// RFC 9449 section 5: the server does not accept the DPoP proof.
    invalid_dpop_proof,
    /// RFC 7009 section 2.2.1 (`unsupported_token_type`): the server does not revoke tokens of this
    /// kind.
    not_revocable,
    /// An OAuth error whose word is none of the above; see `error::oauth_error()`.
    other_oauth_error,

    /// The server throttles; `error::retry_at()` says until when, if the server does.
    rate_limited,

    /// Something threw an exception that is not known here, such as the executor;
    /// `error::message()` has its text.
    internal_error,
};

/// What kind of failure it was. Compare with `error::code()`, or ask `error::kind()`.
enum class error_kind
{
    configuration = 1,
    resolve,
    connect,
    tls,
    timeout,
    cancelled,
    http,
    protocol,
    oauth,
    rate_limited,
    resource,
};

/// The name of the value, as in `"invalid_client"`. Never fails.
[[nodiscard]] COAUTH_DECL std::string_view to_string(errc code) noexcept;
[[nodiscard]] COAUTH_DECL std::string_view to_string(error_kind kind) noexcept;

/// The kind that the code belongs to.
[[nodiscard]] COAUTH_DECL error_kind kind_of(errc code) noexcept;

/// The category of `errc`, named "coauth"; conditions of the kinds are "coauth.kind".
[[nodiscard]] COAUTH_DECL boost::system::error_category const& error_category() noexcept;
[[nodiscard]] COAUTH_DECL boost::system::error_category const& error_kind_category() noexcept;
[[nodiscard]] COAUTH_DECL boost::system::error_code make_error_code(errc code) noexcept;
[[nodiscard]] COAUTH_DECL boost::system::error_condition
make_error_condition(error_kind kind) noexcept;

/// All that is known of a failure beside its code. Every member may be empty.
struct error_info
{
    /// What failed, with which value, and what to do. Never holds a secret.
    std::string context;
    /// The code of the system, the resolver or TLS beneath.
    boost::system::error_code cause;
    /// The status of the HTTP answer; 0 when there was none.
    unsigned http_status = 0;
    /// The server's own error word (`error`; SMS.CX `error.type`).
    std::string oauth_error;
    /// The server's own text (`error_description`; SMS.CX `error.message`).
    std::string description;
    /// The server's own link (`error_uri`; SMS.CX `error.uri`).
    std::string uri;
    /// The server's own number (SMS.CX `error.code`).
    std::optional<std::int64_t> server_code;
    /// When the server asks to be tried again.
    std::optional<std::chrono::system_clock::time_point> retry_at;
    /// How many attempts were made; 0: none was begun.
    unsigned attempts = 0;
    /// The header fields of the answer, when `client_config::keep_headers` asked for them.
    http_headers headers;
};

/// Why an operation did not yield a token.
///
/// An immutable value, cheap to copy and to move. Neither it nor any text made of it holds a
/// secret. Text of the server is cut to 1 KiB, and its control characters are replaced; it is still
/// the server's: do not parse it. Different objects may be used from different threads.
class COAUTH_DECL error
{
public:
    /// No failure; only there because a `result` of any type must be default-constructible.
    error() noexcept = default;
    /// A failure of which nothing but the code is known. Allocates nothing.
    error(errc code) noexcept : code_(code) {}
    error(errc code, error_info info);

    [[nodiscard]] errc value() const noexcept { return code_; }
    [[nodiscard]] boost::system::error_code code() const noexcept { return make_error_code(code_); }
    [[nodiscard]] error_kind kind() const noexcept { return kind_of(code_); }

    /// True when the same request may succeed later without any change.
    [[nodiscard]] bool transient() const noexcept;

    /// True when the server did not accept who the client says it is: `errc::invalid_client`,
    /// `errc::unauthorized_client`, or status 401 without a word.
    [[nodiscard]] bool refuses_credentials() const noexcept;

    /// One or two sentences for a log or a terminal: what failed, why, and what to do.
    [[nodiscard]] std::string message() const;

    /// All that is known beside the code.
    [[nodiscard]] error_info const& info() const noexcept;
    [[nodiscard]] std::string_view context() const noexcept { return info().context; }
    [[nodiscard]] boost::system::error_code cause() const noexcept { return info().cause; }
    [[nodiscard]] unsigned http_status() const noexcept { return info().http_status; }
    [[nodiscard]] std::string_view oauth_error() const noexcept { return info().oauth_error; }
    [[nodiscard]] std::string_view description() const noexcept { return info().description; }
    [[nodiscard]] std::string_view uri() const noexcept { return info().uri; }
    [[nodiscard]] std::optional<std::int64_t> server_code() const noexcept
    {
        return info().server_code;
    }
    [[nodiscard]] std::optional<std::chrono::system_clock::time_point> retry_at() const noexcept
    {
        return info().retry_at;
    }
    [[nodiscard]] unsigned attempts() const noexcept { return info().attempts; }
    [[nodiscard]] http_headers const& headers() const noexcept { return info().headers; }

    /// True when the codes are the same, whatever else is known.
    friend bool operator==(error const& a, errc b) noexcept { return a.code_ == b; }
    friend bool operator==(error const& a, error_kind b) noexcept { return a.kind() == b; }

    /// Writes `message()`.
    friend COAUTH_DECL std::ostream& operator<<(std::ostream& out, error const& e);

private:
    errc code_{};
    std::shared_ptr<error_info const> info_;
};

} // namespace coauth

template <>
struct boost::system::is_error_code_enum<coauth::errc> : std::true_type
{
};
template <>
struct boost::system::is_error_condition_enum<coauth::error_kind> : std::true_type
{
};

#endif
