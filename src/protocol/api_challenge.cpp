#include <coauth/api_challenge.hpp>
#include <coauth/token_rejected.hpp>

#include "protocol/challenge.hpp"
#include "values/encoding.hpp"
#include "values/json_document.hpp"

#include <charconv>

namespace coauth
{
namespace
{

constexpr std::size_t max_challenge_text = 1024;
constexpr std::size_t max_claims = std::size_t(16) * 1024;

// Without the backslashes of a quoted string (RFC 9110 section 5.6.4), and without control
// characters.
std::string decode(std::string_view quoted, std::size_t limit)
{
    std::string text;
    for (std::size_t i = 0; i < quoted.size() && text.size() < limit; ++i)
    {
        if (quoted[i] == '\\' && i + 1 < quoted.size())
            ++i;
        text += detail::is_control(quoted[i]) ? '?' : quoted[i];
    }
    return text;
}

std::string_view first(std::string_view field, std::string_view name)
{
    return protocol::challenge_parameters(field, name).next().value_or(std::string_view());
}

std::string first_text(std::string_view field, std::string_view name)
{
    return decode(first(field, name), max_challenge_text);
}

// Empty if it is too long: a part of a URL, or of a list of words, means something else.
std::string whole_text(std::string_view field, std::string_view name)
{
    return first(field, name).size() <= max_challenge_text ? first_text(field, name)
                                                           : std::string();
}

// The one that a new token mends counts before others.
std::string find_error(unsigned status, std::string_view field)
{
    constexpr std::string_view mended = "invalid_token";
    protocol::challenge_parameters errors(field, "error");
    while (auto const error = errors.next())
        if (status == 401 && *error == mended)
            return std::string(mended);
    return first_text(field, "error");
}

bool is_json_object(std::string_view text)
{
    return text.size() <= max_claims && text.starts_with('{') &&
           detail::json_document::parse(text).has_value();
}

std::string find_claims(std::string_view field)
{
    auto const value = first(field, "claims");
    if (value.size() > 2 * max_claims)
        return {};
    if (auto text = decode(value, value.size()); is_json_object(text))
        return text;
    auto const decoded = detail::decode_base64(value);
    return is_json_object(decoded.view()) ? std::string(decoded.view()) : std::string();
}

std::optional<std::chrono::seconds> find_max_age(std::string_view field)
{
    auto const text = first(field, "max_age");
    std::int64_t seconds = 0;
    auto const [end, failure] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    bool const whole = !text.empty() && end == text.data() + text.size() && seconds >= 0;
    return failure == std::errc() && whole ? std::optional(std::chrono::seconds(seconds))
                                           : std::nullopt;
}

challenge_remedy
find_remedy(unsigned status, std::string_view field, api_challenge const& challenge)
{
    if (challenge.error == "insufficient_claims" ||
        challenge.error == "insufficient_user_authentication" || !challenge.claims.empty())
        return challenge_remedy::claims;
    if (challenge.error == "insufficient_scope")
        return challenge_remedy::scope;
    if (status == 401 && challenge.error == "use_dpop_nonce")
        return challenge_remedy::dpop_nonce;
    return is_invalid_token_challenge(status, field) ? challenge_remedy::new_token
                                                     : challenge_remedy::none;
}

} // namespace

std::string_view to_string(challenge_remedy remedy) noexcept
{
    switch (remedy)
    {
    case challenge_remedy::none:
        return "none";
    case challenge_remedy::new_token:
        return "new_token";
    case challenge_remedy::dpop_nonce:
        return "dpop_nonce";
    case challenge_remedy::claims:
        return "claims";
    case challenge_remedy::scope:
        return "scope";
    }
    return "unknown";
}

std::optional<api_challenge> parse_api_challenge(unsigned status, std::string_view www_authenticate)
{
    bool const has_error = !first(www_authenticate, "error").empty();
    if (status != 401 && !(status == 403 && has_error))
        return std::nullopt;
    api_challenge challenge;
    challenge.error = find_error(status, www_authenticate);
    challenge.error_description = first_text(www_authenticate, "error_description");
    challenge.scope = whole_text(www_authenticate, "scope");
    challenge.claims = find_claims(www_authenticate);
    challenge.acr_values = whole_text(www_authenticate, "acr_values");
    challenge.max_age = find_max_age(www_authenticate);
    challenge.resource_metadata = whole_text(www_authenticate, "resource_metadata");
    challenge.remedy = find_remedy(status, www_authenticate, challenge);
    return challenge;
}

} // namespace coauth
