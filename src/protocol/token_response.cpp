#include "protocol/token_response.hpp"

#include "protocol/expires_in.hpp"
#include "protocol/response_reader.hpp"
#include "values/encoding.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <utility>

namespace coauth::protocol
{
namespace
{

constexpr std::size_t max_token = std::size_t(64) * 1024;

// The top bits of those of eight characters that may not appear in an Authorization field: below
// 0x21, 0x7f, or above. A carry comes from such a character alone.
std::uint64_t outside_of_vschar(char const* characters, std::size_t size)
{
    constexpr std::uint64_t each = 0x0101010101010101;
    std::uint64_t word = 'a' * each;
    std::memcpy(&word, characters, size);
    return (word | (word - 0x21 * each) | (word + each)) & (0x80 * each);
}

// VSCHAR without space (RFC 6749 appendix A.12, RFC 6750). Eight characters at once: tokens are
// long, and not each compiler vectorizes a loop at -O2.
bool is_valid_in_header(std::string_view text)
{
    constexpr std::size_t step = 8;
    std::uint64_t outside = 0;
    for (; text.size() >= step; text.remove_prefix(step))
        outside |= outside_of_vschar(text.data(), step);
    return (outside | outside_of_vschar(text.data(), text.size())) == 0;
}

// Removes the words that no scope may contain (RFC 6749 section 3.3). They must not cost the token.
std::string without_non_ascii(std::string_view scope)
{
    if (detail::is_printable_ascii(scope))
        return std::string(scope);
    std::string valid;
    while (!scope.empty())
    {
        auto const word = scope.substr(0, scope.find(' '));
        scope.remove_prefix(std::min(scope.size(), word.size() + 1));
        if (detail::is_printable_ascii(word) && !word.empty())
            valid.append(valid.empty() ? "" : " ").append(word);
    }
    return valid;
}

// Reads a token from a document without an error.
class token_reader
{
public:
    token_reader(
        client_config const& config, token_request const& request, response_reader& response,
        response_context const& context)
        : config_(config)
        , request_(request)
        , response_(response)
        , context_(context)
    {
    }

    [[nodiscard]] result<access_token> read()
    {
        auto const value = response_.document().find("access_token").as_string();
        if (!value || value->empty())
            return response_.missing_member("access_token");
        if (value->size() > max_token)
            return response_.malformed(
                "its access_token is longer than 64 KiB", errc::response_too_large);
        if (!is_valid_in_header(*value))
            return response_.malformed(
                "its access_token contains characters that are not allowed in a header field");
        auto type = token_type();
        if (!type)
            return type.error();
        auto granted_scope = scope();
        if (!granted_scope)
            return granted_scope.error();
        auto const life = token_lifetime();
        if (!life.valid)
            return response_.malformed("its expires_in is not a number of seconds");
        access_token_info info;
        // With space for the scheme of the Authorization field.
        info.value.reserve(type->size() + 1 + value->size());
        info.value.append(*value);
        info.token_type = std::move(*type);
        info.scope = std::move(*granted_scope);
        info.lifetime = life.seconds;
        return make_token(std::move(info));
    }

private:
    [[nodiscard]] result<std::string> token_type() const
    {
        auto const value = response_.document().find("token_type");
        std::string expected = config_.dpop ? "DPoP" : "Bearer";
        if (value.absent_or_null() && !config_.server.require_token_type && !config_.dpop)
            return expected;
        if (value.kind != detail::json_kind::string)
            return response_.malformed("its token_type is missing or is not a string");
        // A token exchange may return a token that is not an access token (RFC 8693 section 2.2.1).
        auto const* const grant = request_.grant();
        bool const not_applicable =
            grant != nullptr && grant->type != "client_credentials" && value.text == "N_A";
        auto const& aliases = config_.server.token_type_aliases;
        bool const is_alias =
            !config_.dpop && std::any_of(
                                 aliases.begin(), aliases.end(), [&](std::string const& name)
                                 { return detail::equal_ignoring_case(value.text, name); });
        if (detail::equal_ignoring_case(value.text, expected) || is_alias || not_applicable)
            return not_applicable ? std::string(value.text) : expected;
        return response_.malformed(
            "the token_type is '" + response_.sanitize(value.text).substr(0, 64) + "', not " +
                expected,
            errc::unexpected_token_type);
    }

    [[nodiscard]] result<std::string> scope() const
    {
        if (response_.document().find("scope").absent_or_null())
            return request_.scope();
        auto granted = response_.scope();
        if (!granted)
            return response_.malformed("its scope is neither a string nor a list of strings");
        if (detail::has_control(*granted))
            return response_.malformed("its scope contains control characters");
        return without_non_ascii(*granted);
    }

    [[nodiscard]] lifetime token_lifetime() const
    {
        return interpret_expires_in(
            response_.document().find("expires_in"), config_.server.expires_in);
    }

    [[nodiscard]] std::vector<token_member> other_members() const
    {
        constexpr std::array<std::string_view, 4> standard = {
            "access_token", "token_type", "expires_in", "scope"};
        auto const& document = response_.document();
        std::vector<token_member> others;
        for (std::size_t i = 0; i < document.size(); ++i)
            if (std::find(standard.begin(), standard.end(), document.name(i)) == standard.end())
                others.push_back(response_.member(i));
        return others;
    }

    [[nodiscard]] access_token make_token(access_token_info info)
    {
        info.requested_at = context_.sent;
        info.requested_at_steady = context_.sent_steady;
        info.http_status = response_.response().status;
        info.members = other_members();
        if (info.token_type == "DPoP")
            info.dpop = config_.dpop;
        if (config_.keep_headers)
            info.headers = std::move(response_.response().headers);
        return access_token(std::move(info));
    }

    client_config const& config_;
    token_request const& request_;
    response_reader& response_;
    response_context const& context_;
};

} // namespace

result<access_token> read_token_response(
    client_config const& config, token_request const& request, http_response response,
    response_context const& context)
{
    response_reader reader(config, std::move(response), context);
    if (auto const failure = reader.read_error())
        return *failure;
    return token_reader(config, request, reader, context).read();
}

result<void> read_revocation_response(
    client_config const& config, http_response response, response_context const& context)
{
    response_reader reader(config, std::move(response), context);
    auto const failure = reader.read_error();
    // The body of a success has no meaning unless it is an error.
    bool const refused = !reader.succeeded() || reader.has_oauth_error();
    // Some servers report an unknown token as an error.
    bool const unknown =
        reader.response().status == 400 && reader.error_code_string() == "invalid_token";
    if (failure && refused && !unknown)
        return *failure;
    return {};
}

} // namespace coauth::protocol
