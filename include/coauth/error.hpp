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
#include <vector>

namespace coauth
{

/// The error codes. `to_string` returns the name of each value.
///
/// The numbers are part of the interface: they never change, and new codes are appended.
enum class errc
{
    /// The client's configuration is invalid. `error::message()` says what to change.
    invalid_configuration = 1,
    /// A parameter of the `token_request` is invalid. `error::message()` says which and why.
    invalid_parameter = 2,

    /// The server's host name has no address, or the lookup failed.
    resolve_failed = 3,
    /// No address of the server accepted a connection.
    connect_failed = 4,
    /// The connection broke before the response was complete.
    connection_lost = 5,
    /// The proxy did not open a tunnel. `error::http_status()` is the status of its response.
    proxy_refused = 6,
    /// The TLS handshake or the TLS connection failed.
    tls_failed = 7,
    /// The server's certificate is not trusted, not valid now, or issued for another host.
    certificate_verify_failed = 8,

    /// The deadline passed. `error::cause()` is the last failure before it, if there was one.
    timeout = 9,
    /// The caller cancelled the operation, or closed or destroyed the client or the token source.
    cancelled = 10,
    /// There was not enough memory to finish the operation.
    out_of_memory = 11,
    /// The system returned no random bytes for an assertion or a DPoP proof.
    random_failed = 12,
    /// More operations wait for a connection than `connection_options::max_queued` allows.
    queue_full = 13,

    /// The response is a redirect. Redirects are never followed (RFC 9700 section 4.12).
    redirect_refused = 14,
    /// The response has an error status and contains no OAuth error.
    http_error = 15,

    /// The received bytes are not a well-formed HTTP response.
    malformed_http = 16,
    /// The connection ended inside the response.
    incomplete_response = 17,
    /// The response exceeds `client_config::limits`.
    response_too_large = 18,
    /// The response is not a valid token response (RFC 6749 section 5.1), or has no usable token.
    malformed_response = 19,
    /// The token has a type that this client cannot use (RFC 6749 section 7.1).
    unexpected_token_type = 20,

    /// RFC 6749 section 5.2: the server considers the request malformed.
    invalid_request = 21,
    /// RFC 6749 section 5.2: unknown client, wrong secret, or wrong authentication method.
    invalid_client = 22,
    /// RFC 6749 section 5.2: the refresh token, assertion or other grant is invalid, expired or
    /// revoked.
    invalid_grant = 23,
    /// RFC 6749 section 5.2: the client is not allowed to use this grant type.
    unauthorized_client = 24,
    /// RFC 6749 section 5.2: the server does not support this grant type.
    unsupported_grant_type = 25,
    /// RFC 6749 section 5.2: the scope is unknown, malformed, or not allowed for this client.
    invalid_scope = 26,
    /// RFC 8707 section 2: the resource is unknown or malformed.
    invalid_target = 27,
    /// The server denied the request.
    access_denied = 28,
    /// The client's scope does not allow the request (RFC 6750 section 3.1; SMS.CX, status 403).
    insufficient_scope = 29,
    /// SMS.CX, status 405: the endpoint accepts only POST.
    invalid_method = 30,
    /// The server reports an internal error.
    server_error = 31,
    /// The server reports that it is overloaded or in maintenance.
    temporarily_unavailable = 32,
    /// RFC 9449 section 8: the server requires a nonce in the DPoP proof. The client repeats the
    /// request with the server's nonce once by itself; this is the second refusal.
    use_dpop_nonce = 33,
    /// RFC 9449 section 5: the server rejected the DPoP proof.
    invalid_dpop_proof = 34,
    /// RFC 7009 section 2.2.1: the server does not revoke tokens of this type.
    unsupported_token_type = 35,
    /// An OAuth error that is not listed above; `error::oauth_error()` is its name.
    other_oauth_error = 36,

    /// The server received too many requests. `error::retry_at()` says when to try again, if the
    /// server said so.
    rate_limited = 37,

    /// An unexpected exception, for example from an executor. `error::message()` contains its text.
    internal_error = 38,
};

/// The kinds of errors: each `errc` has one. `error::kind()` returns it, and `error::code()`
/// compares equal to it.
enum class error_kind
{
    /// The configuration or the request is invalid; nothing was sent.
    configuration = 1,
    /// The host name could not be resolved.
    resolve,
    /// No connection, or it broke.
    connect,
    /// TLS failed, or the server's certificate was rejected.
    tls,
    /// The deadline passed.
    timeout,
    /// The operation was cancelled.
    cancelled,
    /// An HTTP status other than success, without an OAuth error.
    http,
    /// The response is malformed or too large.
    protocol,
    /// The server returned an OAuth error.
    oauth,
    /// The server received too many requests.
    rate_limited,
    /// This program lacks memory, random bytes or connections, or an unexpected exception occurred.
    resource,
};

///@{

/// The name of the value, such as `"invalid_client"`. Never fails.
[[nodiscard]] COAUTH_DECL std::string_view to_string(errc code) noexcept;
[[nodiscard]] COAUTH_DECL std::string_view to_string(error_kind kind) noexcept;
///@}

/// The kind of a code.
[[nodiscard]] COAUTH_DECL error_kind kind_of(errc code) noexcept;

/// The category of `errc`, named "coauth".
[[nodiscard]] COAUTH_DECL boost::system::error_category const& error_category() noexcept;
/// The category of `error_kind`, named "coauth.kind".
[[nodiscard]] COAUTH_DECL boost::system::error_category const& error_kind_category() noexcept;
/// Converts a code to an `error_code`.
[[nodiscard]] COAUTH_DECL boost::system::error_code make_error_code(errc code) noexcept;
/// Converts a kind to an `error_condition`.
[[nodiscard]] COAUTH_DECL boost::system::error_condition
make_error_condition(error_kind kind) noexcept;

/// A further member of an error document.
struct error_member
{
    /// The name.
    std::string name;
    /// The value as JSON text. Secrets are replaced by `***`.
    std::string json;
};

/// The details of an error. Every member may be empty.
struct error_info
{
    /// What failed, with which value, and what to do. Never contains a secret.
    std::string context;
    /// The underlying error of the system, the resolver or TLS.
    boost::system::error_code cause;
    /// The status of the HTTP response. 0: there was no response.
    unsigned http_status = 0;
    /// The server's error code (`error`; SMS.CX `error.type`; `errorCode` and the like).
    std::string oauth_error;
    /// The server's text: `error_description`, `message`, `detail` or the like, also in a nested
    /// object or in the first elements of an array; the title of an HTML page; or the body, if it
    /// is text.
    std::string description;
    /// The server's link (`error_uri`; SMS.CX `error.uri`; `type` of RFC 9457).
    std::string uri;
    /// The server's number (SMS.CX `error.code`; `error_codes` of Microsoft Entra).
    std::optional<std::int64_t> server_code;
    /// When to try again, as requested by the server. None: the server did not say.
    std::optional<std::chrono::system_clock::time_point> retry_at;
    /// Number of attempts made. 0: none was started.
    unsigned attempts = 0;
    /// The header fields of the response. Empty unless `client_config::keep_headers` is set.
    http_headers headers;
    /// The other members of the error document, in the order received, such as `correlation_id`,
    /// `suberror` or `claims`. Members that may contain a token, a secret or a password are
    /// omitted, and so are members of more than 4 KiB and those after the first 32.
    std::vector<error_member> members;
};

/// Why an operation failed: an error code to branch on and a message to log.
///
/// An immutable value, cheap to copy and to move. Neither an error nor its texts contain a secret.
/// The server's texts are cut to 1 KiB and their control characters are replaced, but they are
/// still untrusted: show them, do not parse them. Different objects may be used from different
/// threads.
class COAUTH_DECL error
{
public:
    /// No error. It exists only because `result` requires a default constructor.
    error() noexcept = default;
    /// An error without details. Allocates nothing.
    error(errc code) noexcept : code_(code) {}
    /// An error with details.
    error(errc code, error_info info);

    /// The error code.
    [[nodiscard]] errc value() const noexcept { return code_; }
    /// The error code as an `error_code` of category "coauth".
    [[nodiscard]] boost::system::error_code code() const noexcept { return make_error_code(code_); }
    /// The kind of the error code.
    [[nodiscard]] error_kind kind() const noexcept { return kind_of(code_); }

    /// True if the same request may succeed later without any change: the server was not reached,
    /// did not respond, or responded with status 408, 425, 429 or 5xx. The error code in the body
    /// then does not matter, except for a refusal by RFC 6749 section 5.2 (`errc::invalid_client`,
    /// `invalid_grant`, `unauthorized_client`, `unsupported_grant_type`, `invalid_scope`) with
    /// status 408 or 425. Also true for `errc::server_error` and `errc::temporarily_unavailable`
    /// with any status.
    [[nodiscard]] bool transient() const noexcept;

    /// True if the server rejected the client's credentials: `errc::invalid_client`,
    /// `errc::unauthorized_client`; status 401, unless with an OAuth error that means something
    /// else, such as `invalid_scope`; or an error code or text that consists of words for it, such
    /// as `bad_client_secret` or "Invalid API key" (with status 403 not a text such as "User is not
    /// authorized", which may be about permissions). Never for 408, 425, 429 and 5xx without these
    /// codes.
    [[nodiscard]] bool is_authentication_failure() const noexcept;

    /// One or two sentences for a log or a terminal: what failed, why, and what to do.
    [[nodiscard]] std::string message() const;

    /// The details.
    [[nodiscard]] error_info const& info() const noexcept;
    /// `error_info::context`: what failed, with which value, and what to do.
    [[nodiscard]] std::string_view context() const noexcept { return info().context; }
    /// `error_info::cause`: the underlying error of the system, the resolver or TLS.
    [[nodiscard]] boost::system::error_code cause() const noexcept { return info().cause; }
    /// `error_info::http_status`: the status of the response, or 0.
    [[nodiscard]] unsigned http_status() const noexcept { return info().http_status; }
    /// `error_info::oauth_error`: the server's error code.
    [[nodiscard]] std::string_view oauth_error() const noexcept { return info().oauth_error; }
    /// `error_info::description`: the server's text.
    [[nodiscard]] std::string_view description() const noexcept { return info().description; }
    /// `error_info::uri`: the server's link.
    [[nodiscard]] std::string_view uri() const noexcept { return info().uri; }
    /// `error_info::server_code`: the server's number.
    [[nodiscard]] std::optional<std::int64_t> server_code() const noexcept
    {
        return info().server_code;
    }
    /// `error_info::retry_at`: when to try again.
    [[nodiscard]] std::optional<std::chrono::system_clock::time_point> retry_at() const noexcept
    {
        return info().retry_at;
    }
    /// `error_info::attempts`: the number of attempts made.
    [[nodiscard]] unsigned attempts() const noexcept { return info().attempts; }
    /// The JSON text of another member of the error document, such as `suberror`. None: there is no
    /// such member.
    [[nodiscard]] std::optional<std::string_view> member(std::string_view name) const noexcept;
    /// `error_info::members`: the other members of the error document.
    [[nodiscard]] std::vector<error_member> const& members() const noexcept
    {
        return info().members;
    }
    /// `error_info::headers`: the header fields of the response.
    [[nodiscard]] http_headers const& headers() const noexcept { return info().headers; }

    /// True if both have the same code and equal details. To compare codes only, compare with an
    /// `errc`: `e == errc::timeout`, or `a == b.value()`.
    friend COAUTH_DECL bool operator==(error const& a, error const& b) noexcept;
    /// True if `a` has the code `b`. Details are not compared.
    friend bool operator==(error const& a, errc b) noexcept { return a.code_ == b; }
    /// True if `a` has the kind `b`.
    friend bool operator==(error const& a, error_kind b) noexcept { return a.kind() == b; }

    /// Writes `message()`.
    friend COAUTH_DECL std::ostream& operator<<(std::ostream& out, error const& e);

private:
    errc code_{};
    std::shared_ptr<error_info const> info_;
};

} // namespace coauth

/// \cond
template <>
struct boost::system::is_error_code_enum<coauth::errc> : std::true_type
{
};
template <>
struct boost::system::is_error_condition_enum<coauth::error_kind> : std::true_type
{
};
/// \endcond

#endif
