// The error that a response contains or is.

#include "protocol/challenge.hpp"
#include "protocol/clock_difference.hpp"
#include "protocol/error_text.hpp"
#include "protocol/redirect_target.hpp"
#include "protocol/response_reader.hpp"
#include "protocol/retry_after.hpp"
#include "values/encoding.hpp"
#include "values/wipe.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace coauth::protocol
{
namespace
{

struct code_entry
{
    std::string_view name;
    errc code;
};

// RFC 6749 section 5.2, its extensions, and SMS.CX.
constexpr std::array<code_entry, 17> code_table = {{
    {"invalid_request", errc::invalid_request},
    {"invalid_client", errc::invalid_client},
    {"invalid_grant", errc::invalid_grant},
    {"unauthorized_client", errc::unauthorized_client},
    {"unsupported_grant_type", errc::unsupported_grant_type},
    {"invalid_scope", errc::invalid_scope},
    {"invalid_target", errc::invalid_target},
    {"access_denied", errc::access_denied},
    {"insufficient_scope", errc::insufficient_scope},
    {"invalid_method", errc::invalid_method},
    {"server_error", errc::server_error},
    {"temporarily_unavailable", errc::temporarily_unavailable},
    {"rate_limit", errc::rate_limited},
    {"slow_down", errc::rate_limited},
    {"use_dpop_nonce", errc::use_dpop_nonce},
    {"invalid_dpop_proof", errc::invalid_dpop_proof},
    {"unsupported_token_type", errc::unsupported_token_type},
}};

errc code_from_string(std::string_view name)
{
    for (auto const& entry : code_table)
        if (entry.name == name)
            return entry.code;
    return errc::other_oauth_error;
}

// Number zero, also as a string or a fraction.
bool is_zero(detail::json_value value)
{
    bool const number =
        value.kind == detail::json_kind::number || value.kind == detail::json_kind::string;
    double parsed = 1;
    auto const* const end = value.text.data() + value.text.size();
    auto const [stop, failure] = std::from_chars(value.text.data(), end, parsed);
    return number && failure == std::errc() && stop == end && parsed == 0;
}

// PHP's way to write an empty object.
bool is_empty_container(detail::json_value value)
{
    bool const container =
        value.kind == detail::json_kind::object || value.kind == detail::json_kind::array;
    return container && value.text.find_first_not_of("[]{} \t\r\n") == std::string_view::npos;
}

// Members that are read into the error's own members.
bool is_standard_member(std::string_view name)
{
    return name == "error" || name == "error_description" || name == "error_uri";
}

// A nested value may contain a token or a secret.
bool contains_secret_member(detail::json_value value)
{
    if (value.kind != detail::json_kind::object && value.kind != detail::json_kind::array)
        return false;
    auto text = value.text;
    for (auto end = text.find("\":"); end != std::string_view::npos; end = text.find("\":"))
    {
        auto const begin = text.substr(0, end).rfind('"') + 1;
        if (is_secret_name(text.substr(begin, end - begin)))
            return true;
        text.remove_prefix(end + 2);
    }
    return false;
}

} // namespace

error_document const& response_reader::error_in_body() const
{
    if (error_document_)
        return *error_document_;
    error_document_.emplace();
    if (document_)
        *error_document_ = read_error_document(*document_, response_.status);
    else if (is_identity_encoded())
        *error_document_ = error_in_text();
    return *error_document_;
}

error_document response_reader::error_in_text() const
{
    // Enough for the title of a page.
    constexpr std::size_t max_text = std::size_t(64) * 1024;
    auto const body = response_.body.view().substr(0, max_text);
    if (body.empty() || !is_text(body))
        return {};
    std::string text(body);
    secrets().redact(text, "\t\r\n");
    auto result = read_error_text(text, response_.status);
    detail::wipe(text);
    return result;
}

std::optional<std::chrono::system_clock::time_point> response_reader::retry_at(errc code) const
{
    // The error code counts too: it may come with a success status.
    bool const throttled = response_.status == 429 || response_.status == 503 ||
                           code == errc::rate_limited || code == errc::temporarily_unavailable;
    if (response_.status < 400 && !throttled)
        return std::nullopt;
    return protocol::retry_at(
        response_.headers, throttled, context_.received, error_in_body().wait);
}

std::string_view response_reader::document_error_code() const
{
    if (!document_)
        return {};
    auto const flat = document_->find("error");
    auto const value =
        flat.kind == detail::json_kind::object ? document_->find_in_error("type") : flat;
    auto const name = value.as_string().value_or(std::string_view());
    return detail::is_printable_ascii(name) && !is_sentence(name) ? name : std::string_view();
}

// The parameter of a WWW-Authenticate challenge. Prefers a known error code.
std::string_view response_reader::challenge_parameter(std::string_view name) const
{
    if (response_.status != 400 && response_.status != 401 && response_.status != 403)
        return {};
    std::string_view first;
    for (auto const& field : response_.headers)
    {
        challenge_parameters values(
            detail::equal_ignoring_case(field.name, "WWW-Authenticate")
                ? std::string_view(field.value)
                : std::string_view(),
            name);
        while (auto const value = values.next())
        {
            if (code_from_string(*value) != errc::other_oauth_error)
                return *value;
            if (first.empty() && detail::is_printable_ascii(*value))
                first = *value;
        }
    }
    return first;
}

// "UnauthorizedException:http://..." without the URL.
std::string_view response_reader::aws_error_code() const
{
    auto const code = response_.headers.find("x-amzn-ErrorType").value_or(std::string_view());
    return detail::is_printable_ascii(code) ? code.substr(0, code.find(':')) : std::string_view();
}

std::string_view response_reader::error_code_string() const
{
    if (auto const name = document_error_code(); !name.empty())
        return name;
    auto const in_body = error_in_body().code.view();
    if (code_from_string(in_body) != errc::other_oauth_error)
        return in_body;
    if (auto const name = challenge_parameter("error"); !name.empty())
        return name;
    return in_body.empty() ? aws_error_code() : in_body;
}

// An empty string, object or array, zero, null and false mean that there is no error.
bool response_reader::has_oauth_error() const
{
    if (!document_)
        return false;
    auto const value = document_->find("error");
    bool const none = value.absent_or_null() || value.as_string() == "" || is_zero(value) ||
                      is_empty_container(value) ||
                      (value.kind == detail::json_kind::boolean && value.text == "false");
    return !none;
}

error response_reader::failure() const
{
    auto info = base_error_info();
    auto const name = error_code_string();
    auto const code = failure_code(name);
    info.retry_at = retry_at(code);
    // Redacted before it is cut, because half a secret would not be found.
    info.oauth_error = sanitize(name).substr(0, max_name);
    info.description = trimmed(error_in_body().description);
    if (info.description.empty())
        info.description = sanitize(challenge_parameter("error_description"));
    info.uri = sanitize(error_in_body().uri.view());
    info.server_code = error_in_body().number;
    info.members = error_members();
    info.context = advice(code, info);
    // A wrong time of an assertion or a proof has one of these.
    bool const refused =
        response_.status == 400 || response_.status == 401 || response_.status == 403;
    if (auto const hint = refused ? clock_hint(response_.headers, context_) : ""; !hint.empty())
        info.context.append(info.context.empty() ? "" : "; ").append(hint);
    return {code, std::move(info)};
}

// Redirects and status 429 take precedence over the error code, other statuses do not. An unknown
// code is an OAuth error only if it is in the place of one.
errc response_reader::failure_code(std::string_view name) const
{
    if (response_.status >= 300 && response_.status < 400)
        return errc::redirect_refused;
    if (response_.status == 429)
        return errc::rate_limited;
    auto const code = code_from_string(name);
    if (code != errc::other_oauth_error)
        return code;
    if (!document_error_code().empty() || !challenge_parameter("error").empty())
        return errc::other_oauth_error;
    if (response_.status >= 400)
        return errc::http_error;
    return error_in_body().is_error ? errc::other_oauth_error : errc::malformed_response;
}

// Only what is certain: a gateway's 401 may be about a subscription key, its 404 about a backend
// that restarts. The server's own words say more.
std::string response_reader::advice(errc code, error_info const& info) const
{
    if (code == errc::redirect_refused)
    {
        auto const& endpoint = config_.server.token_endpoint;
        auto const location = response_.headers.find("Location").value_or(std::string_view());
        auto const target = redirect_target(
            location, context_.request, endpoint.starts_with("http://") ? "http" : "https");
        return target.empty() ? std::string() : "it leads to " + sanitize(target);
    }
    if (code != errc::http_error)
        return {};
    if (response_.status >= 500)
        return "the server failed; try again later";
    if (!info.description.empty() || !info.oauth_error.empty())
        return {};
    switch (response_.status)
    {
    case 401:
        return credentials_advice();
    case 403:
        return "perhaps the client lacks a permission, or a gateway refused the request";
    case 404:
    case 405:
        return "perhaps the URL is wrong, or a gateway has lost its server";
    default:
        return "the server gave no reason";
    }
}

std::string response_reader::credentials_advice() const
{
    std::string const refused = "the client's credentials were not accepted; check ";
    switch (config_.authentication.type())
    {
    case authentication_method::unset:
    case authentication_method::anonymous:
        return "the endpoint requires client authentication";
    case authentication_method::none:
        return refused + "client id, and whether this client needs a secret";
    case authentication_method::private_key_jwt:
        return refused + "client id, key and clock";
    case authentication_method::tls_client_auth:
    case authentication_method::self_signed_tls_client_auth:
        return refused + "client id and certificate";
    case authentication_method::client_assertion:
        return refused + "the client assertion";
    case authentication_method::bearer_token:
        return "the bearer token was not accepted; check it, and the rights that it needs";
    default:
        if (config_.authentication.client_id().empty())
            return refused + "the secret, and whether the server needs a client id too";
        return refused + "client id and secret";
    }
}

std::vector<error_member> response_reader::error_members() const
{
    std::vector<error_member> members;
    if (!document_)
        return members;
    append_members(members, document_->members());
    auto const value = document_->find("error");
    auto const nested = value.kind == detail::json_kind::object
                            ? detail::json_document::parse(value.text)
                            : std::optional<detail::json_document>();
    if (nested)
        append_members(members, nested->members());
    return members;
}

void response_reader::append_members(
    std::vector<error_member>& members, std::span<detail::json_member const> source) const
{
    constexpr std::size_t max_members = 32;
    constexpr std::size_t max_value = 4096;
    for (auto const& [name, value] : source)
    {
        bool const known = std::any_of(
            members.begin(), members.end(),
            [code = name](error_member const& member) { return member.name == code; });
        bool const is_secret = is_secret_name(name) || contains_secret_member(value);
        if (members.size() == max_members)
            return;
        if (known || is_secret || is_standard_member(name) || value.text.size() > max_value)
            continue;
        // Redacted before it is escaped, because escaping may change a secret.
        std::string text(value.text);
        secrets().redact(text);
        secret json;
        if (value.kind == detail::json_kind::string)
            detail::append_json_string(json, text);
        else
            json.append(text);
        members.push_back({sanitize(name), std::string(json.view())});
    }
}

} // namespace coauth::protocol
