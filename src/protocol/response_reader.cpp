#include "protocol/response_reader.hpp"

#include "values/encoding.hpp"

#include <algorithm>
#include <utility>

namespace coauth::protocol
{

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
        document_ = detail::json_document::parse(response_.body.view());
    if (!succeeded())
        return failure();
    if (!may_have_document() && !has_oauth_error())
        return malformed("its status is not 200, 201 or 203");
    if (!identity)
        return malformed("it is compressed or encoded, which the request did not accept");
    if (document_ && has_oauth_error())
        return failure();
    if (document_)
    {
        error_document_.reset(); // it copies texts of the body
        return std::nullopt;
    }
    if (error_in_body().is_error)
        return failure();
    return malformed_with_text(
        response_.body.empty() ? "it has no body"
                               : "it is not a JSON object with at most 1,000 members, all with "
                                 "different names, and 50,000 values");
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

error response_reader::missing_member(std::string_view name) const
{
    if (error_in_body().is_error)
        return failure();
    return malformed_with_text("it has no " + std::string(name));
}

error response_reader::malformed_with_text(std::string context) const
{
    auto info = malformed(std::move(context)).info();
    info.description = trimmed(error_in_body().description);
    return {errc::malformed_response, std::move(info)};
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

redactor const& response_reader::secrets() const
{
    if (!secrets_)
    {
        secrets_.emplace(
            context_.authentication != nullptr ? *context_.authentication : config_.authentication);
        secrets_->add_request(context_.request);
        if (document_)
            secrets_->add_response(*document_);
    }
    return *secrets_;
}

std::string response_reader::sanitize(std::string_view text) const
{
    return secrets().sanitize(text);
}

std::string response_reader::trimmed(secret const& text) const
{
    auto clean = sanitize(text.view());
    clean.erase(clean.find_last_not_of(' ') + 1);
    return clean.erase(0, std::min(clean.size(), clean.find_first_not_of(' ')));
}

std::string response_reader::sanitize(detail::json_value value) const
{
    return value.kind == detail::json_kind::string ? sanitize(value.text) : std::string();
}

std::optional<std::string> response_reader::scope() const
{
    auto const value = document_->find("scope");
    if (value.absent_or_null())
        return std::string();
    auto scope_tokens = value.as_strings();
    if (!scope_tokens)
        return std::nullopt;
    if (scope_tokens->size() == 1)
        return std::move(scope_tokens->front());
    std::string scope;
    for (auto const& scope_token : *scope_tokens)
        scope.append(scope.empty() ? "" : " ").append(scope_token);
    return scope;
}

token_member response_reader::member(std::size_t i) const
{
    auto const value = document_->value(i);
    secret json;
    if (value.kind == detail::json_kind::string)
        detail::append_json_string(json, value.text);
    else
        json.append(value.text);
    return {std::string(document_->name(i)), std::move(json)};
}

} // namespace coauth::protocol
