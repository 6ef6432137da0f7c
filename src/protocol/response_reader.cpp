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

struct word_code
{
    std::string_view word;
    errc code;
};

constexpr std::array<word_code, 17> words = {{
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

errc code_of(std::string_view word)
{
    for (auto const& row : words)
        if (row.word == word)
            return row.code;
    return errc::other_oauth_error;
}

std::optional<std::int64_t> as_integer(json_value value)
{
    if (value.kind != json_kind::number && value.kind != json_kind::string)
        return std::nullopt;
    std::int64_t number = 0;
    auto const end = value.text.data() + value.text.size();
    auto const [stopped, failure] = std::from_chars(value.text.data(), end, number);
    if (failure != std::errc() || stopped != end)
        return std::nullopt;
    return number;
}

} // namespace

response_reader::response_reader(
    client_config const& config, http_response response, response_context const& facts)
    : config_(config)
    , response_(std::move(response))
    , facts_(facts)
{
}

std::optional<error> response_reader::look()
{
    bool const plain = is_identity_encoded();
    if (plain)
        document_ = json_document::parse(response_.body.view());
    if (!succeeded())
        return failure();
    if (!is_whole() && !has_oauth_error())
        return malformed("its status is not 200, 201 or 203, as that of a whole document is");
    if (!plain)
        return malformed("it is compressed or encoded, which was not asked for");
    if (!document_)
        return malformed(
            response_.body.empty()
                ? "it has no body"
                : "it is not a JSON object of at most 1,000 members, none of them "
                  "twice, and 50,000 values");
    if (has_oauth_error())
        return failure();
    return std::nullopt;
}

// Other successes have no body, or a part of one, or one about something else (RFC 9110 section
// 15.3).
bool response_reader::is_whole() const
{
    return response_.status == 200 || response_.status == 201 || response_.status == 203;
}

bool response_reader::is_identity_encoded() const
{
    auto const coding = response_.headers.find("Content-Encoding");
    return !coding || coding->empty() || equal_ignoring_case(*coding, "identity");
}

error_info response_reader::known() const
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
    auto info = known();
    auto const type = response_.headers.find("Content-Type");
    info.context = std::move(context) + " (" +
                   (type ? sanitize(*type).substr(0, longest_word) : "no Content-Type") + ", " +
                   std::to_string(response_.body.size()) + " bytes)";
    info.retry_at = retry_at(code);
    return {code, std::move(info)};
}

std::string response_reader::sanitize(std::string_view text) const
{
    if (!hidden_)
    {
        hidden_.emplace(config_.authentication);
        hidden_->add_request(facts_.request);
        if (document_)
            hidden_->add_response(*document_);
    }
    return hidden_->sanitize(text);
}

std::string response_reader::sanitize(json_value value) const
{
    return value.kind == json_kind::string ? sanitize(value.text) : std::string();
}

std::optional<std::chrono::system_clock::time_point> response_reader::retry_at(errc code) const
{
    // By the word too: it may come with success.
    bool const busy = response_.status == 429 || response_.status == 503 ||
                      code == errc::rate_limited || code == errc::temporarily_unavailable;
    if (response_.status < 400 && !busy)
        return std::nullopt;
    policy::retry_headers fields;
    fields.retry_after = response_.headers.find("Retry-After");
    fields.date = response_.headers.find("Date");
    // Servers tell the reset with every response; it is a wait only for the throttled.
    if (busy)
        fields.rate_limit_reset = response_.headers.find("X-Rate-Limit-Reset");
    return policy::retry_at(fields, facts_.received);
}

std::string_view response_reader::document_word() const
{
    if (!document_)
        return {};
    auto const flat = document_->find("error");
    auto const value = flat.kind == json_kind::object ? document_->find_in_error("type") : flat;
    auto const word = value.as_string().value_or(std::string_view());
    return is_printable_ascii(word) ? word : std::string_view();
}

// A word that is understood, before one that is not.
std::string_view response_reader::challenge_word() const
{
    if (response_.status != 400 && response_.status != 401 && response_.status != 403)
        return {};
    std::string_view any;
    for (auto const& field : response_.headers)
    {
        www_authenticate_errors errors(
            equal_ignoring_case(field.name, "WWW-Authenticate") ? std::string_view(field.value)
                                                                : std::string_view());
        while (auto const word = errors.next())
        {
            if (code_of(*word) != errc::other_oauth_error)
                return *word;
            if (any.empty() && is_printable_ascii(*word))
                any = *word;
        }
    }
    return any;
}

std::string_view response_reader::error_word() const
{
    auto const word = document_word();
    return word.empty() ? challenge_word() : word;
}

// Empty text, null and false say that there is none.
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
    auto info = known();
    auto const word = error_word();
    auto const code = failure_code(word);
    info.retry_at = retry_at(code);
    // Hidden before it is cut: half a secret would not be found.
    info.oauth_error = sanitize(word).substr(0, longest_word);
    if (document_ && document_->find("error").kind == json_kind::object)
        read_nested(info);
    else if (document_ && !document_word().empty())
        read_flat(info);
    else if (document_)
        read_problem(info);
    if (code == errc::http_error)
        info.context = status_advice();
    return {code, std::move(info)};
}

// Status first where it alone decides; then the word; then what is left of the status.
errc response_reader::failure_code(std::string_view word) const
{
    if (response_.status >= 300 && response_.status < 400)
        return errc::redirect_refused;
    if (response_.status == 429)
        return errc::rate_limited;
    if (!word.empty())
        return code_of(word);
    return response_.status < 300 ? errc::malformed_response : errc::http_error;
}

std::string response_reader::status_advice() const
{
    switch (response_.status)
    {
    case 401:
        return "the client's credentials were not accepted; check client id and secret";
    case 403:
        return "the client may not do this; check its rights at the server";
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
    auto const given = value.as_strings();
    if (!given)
        return std::nullopt;
    std::string scope;
    for (auto const& word : *given)
        scope.append(scope.empty() ? "" : " ").append(word);
    return scope;
}

token_member response_reader::member(std::size_t i) const
{
    auto const value = document_->value(i);
    secret json;
    if (value.kind == json_kind::string)
        append_json_string(json, value.text);
    else
        json.append(value.text);
    return {std::string(document_->name(i)), std::move(json)};
}

} // namespace coauth::protocol
