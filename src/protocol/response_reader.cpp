#include "protocol/response_reader.hpp"

#include "protocol/challenge.hpp"
#include "protocol/retry_after.hpp"
#include "values/encoding.hpp"

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

std::optional<std::int64_t> as_integer(json_value value)
{
    if (value.kind != json_kind::number && value.kind != json_kind::string)
        return std::nullopt;
    std::int64_t number = 0;
    auto const end = value.text.data() + value.text.size();
    auto const [stop, failure] = std::from_chars(value.text.data(), end, number);
    if (failure != std::errc() || stop != end)
        return std::nullopt;
    return number;
}

} // namespace

response_reader::response_reader(
    client_config const& config, http_response response, response_context const& context)
    : config_(config)
    , response_(std::move(response))
    , context_(context)
{
}

std::optional<error> response_reader::read_error()
{
    bool const identity = is_identity_encoded();
    if (identity)
        document_ = json_document::parse(response_.body.view());
    if (!succeeded())
        return failure();
    if (!may_have_document() && !has_oauth_error())
        return malformed("its status is not 200, 201 or 203");
    if (!identity)
        return malformed("it is compressed or encoded, which the request did not accept");
    if (!document_)
        return malformed(
            response_.body.empty()
                ? "it has no body"
                : "it is not a JSON object with at most 1,000 members, all with different names, "
                  "and 50,000 values");
    if (has_oauth_error())
        return failure();
    return std::nullopt;
}

// Other success statuses come without a body, with a part of it, or with another document (RFC 9110
// section 15.3).
bool response_reader::may_have_document() const
{
    return response_.status == 200 || response_.status == 201 || response_.status == 203;
}

bool response_reader::is_identity_encoded() const
{
    auto const coding = response_.headers.find("Content-Encoding");
    return !coding || coding->empty() || detail::equal_ignoring_case(*coding, "identity");
}

error_info response_reader::base_error_info() const
{
    error_info info;
    info.http_status = response_.status;
    info.attempts = 1;
    if (config_.keep_headers)
        info.headers = response_.headers;
    return info;
}

error response_reader::malformed(std::string context, errc code) const
{
    auto info = base_error_info();
    auto const type = response_.headers.find("Content-Type");
    info.context = std::move(context) + " (" +
                   (type ? sanitize(*type).substr(0, max_name) : "no Content-Type") + ", " +
                   std::to_string(response_.body.size()) + " bytes)";
    info.retry_at = retry_at(code);
    return {code, std::move(info)};
}

std::string response_reader::sanitize(std::string_view text) const
{
    if (!secrets_)
    {
        secrets_.emplace(
            context_.authentication != nullptr ? *context_.authentication : config_.authentication);
        secrets_->add_request(context_.request);
        if (document_)
            secrets_->add_response(*document_);
    }
    return secrets_->sanitize(text);
}

std::string response_reader::sanitize(json_value value) const
{
    return value.kind == json_kind::string ? sanitize(value.text) : std::string();
}

std::optional<std::chrono::system_clock::time_point> response_reader::retry_at(errc code) const
{
    // The error code counts too: it may come with a success status.
    bool const throttled = response_.status == 429 || response_.status == 503 ||
                           code == errc::rate_limited || code == errc::temporarily_unavailable;
    if (response_.status < 400 && !throttled)
        return std::nullopt;
    retry_headers headers;
    headers.retry_after = response_.headers.find("Retry-After");
    headers.date = response_.headers.find("Date");
    // Servers send the reset with every response. It is a wait only if they throttle.
    if (throttled)
        headers.rate_limit_reset = response_.headers.find("X-Rate-Limit-Reset");
    return protocol::retry_at(headers, context_.received);
}

std::string_view response_reader::document_error_code() const
{
    if (!document_)
        return {};
    auto const flat = document_->find("error");
    auto const value = flat.kind == json_kind::object ? document_->find_in_error("type") : flat;
    auto const name = value.as_string().value_or(std::string_view());
    return detail::is_printable_ascii(name) ? name : std::string_view();
}

// Prefers a known error code.
std::string_view response_reader::challenge_error_code() const
{
    if (response_.status != 400 && response_.status != 401 && response_.status != 403)
        return {};
    std::string_view unknown_code;
    for (auto const& field : response_.headers)
    {
        www_authenticate_errors errors(
            detail::equal_ignoring_case(field.name, "WWW-Authenticate")
                ? std::string_view(field.value)
                : std::string_view());
        while (auto const name = errors.next())
        {
            if (code_from_string(*name) != errc::other_oauth_error)
                return *name;
            if (unknown_code.empty() && detail::is_printable_ascii(*name))
                unknown_code = *name;
        }
    }
    return unknown_code;
}

std::string_view response_reader::error_code_string() const
{
    auto const name = document_error_code();
    return name.empty() ? challenge_error_code() : name;
}

// An empty string, null and false mean that there is no error.
bool response_reader::has_oauth_error() const
{
    if (!document_)
        return false;
    auto const value = document_->find("error");
    bool const none = value.absent_or_null() || value.as_string() == "" ||
                      (value.kind == json_kind::boolean && value.text == "false");
    return !none;
}

void response_reader::read_flat(error_info& info) const
{
    info.description = sanitize(document_->find("error_description"));
    info.uri = sanitize(document_->find("error_uri"));
}

void response_reader::read_nested(error_info& info) const
{
    info.description = sanitize(document_->find_in_error("message"));
    info.uri = sanitize(document_->find_in_error("uri"));
    info.server_code = as_integer(document_->find_in_error("code"));
}

// Problem details (RFC 9457).
void response_reader::read_problem(error_info& info) const
{
    info.description = sanitize(document_->find("detail"));
    if (info.description.empty())
        info.description = sanitize(document_->find("title"));
    info.uri = sanitize(document_->find("type"));
}

error response_reader::failure() const
{
    auto info = base_error_info();
    auto const name = error_code_string();
    auto const code = failure_code(name);
    info.retry_at = retry_at(code);
    // Redacted before it is cut, because half a secret would not be found.
    info.oauth_error = sanitize(name).substr(0, max_name);
    if (document_ && document_->find("error").kind == json_kind::object)
        read_nested(info);
    else if (document_ && !document_error_code().empty())
        read_flat(info);
    else if (document_)
        read_problem(info);
    if (code == errc::http_error)
        info.context = status_advice();
    return {code, std::move(info)};
}

// Redirects and status 429 take precedence over the error code, other statuses do not.
errc response_reader::failure_code(std::string_view name) const
{
    if (response_.status >= 300 && response_.status < 400)
        return errc::redirect_refused;
    if (response_.status == 429)
        return errc::rate_limited;
    if (!name.empty())
        return code_from_string(name);
    return response_.status < 300 ? errc::malformed_response : errc::http_error;
}

std::string response_reader::status_advice() const
{
    switch (response_.status)
    {
    case 401:
        return "the client's credentials were not accepted; check client id and secret";
    case 403:
        return "the client is not allowed to do this; check its permissions at the server";
    case 404:
    case 405:
        return "there is no such endpoint at this URL; check it";
    default:
        return response_.status >= 500 ? "the server failed; try again later"
                                       : "the request was refused without a reason";
    }
}

std::optional<std::string> response_reader::scope() const
{
    auto const value = document_->find("scope");
    if (value.absent_or_null())
        return std::string();
    auto const scope_tokens = value.as_strings();
    if (!scope_tokens)
        return std::nullopt;
    std::string scope;
    for (auto const& scope_token : *scope_tokens)
        scope.append(scope.empty() ? "" : " ").append(scope_token);
    return scope;
}

token_member response_reader::member(std::size_t i) const
{
    auto const value = document_->value(i);
    secret json;
    if (value.kind == json_kind::string)
        detail::append_json_string(json, value.text);
    else
        json.append(value.text);
    return {std::string(document_->name(i)), std::move(json)};
}

} // namespace coauth::protocol
