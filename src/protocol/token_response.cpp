#include "protocol/token_response.hpp"

#include "protocol/expires_in.hpp"
#include "protocol/response_reader.hpp"
#include "values/encoding.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace coauth::protocol
{
namespace
{

constexpr std::size_t longest_token = std::size_t(64) * 1024;

// VSCHAR without space: what may stand in an Authorization field (RFC 6749 appendix A.12, RFC
// 6750).
bool fits_a_header(std::string_view text)
{
    // To its end, whatever comes, and in one comparison: compilers then look at many at once.
    unsigned char outside = 0;
    for (char const c : text)
        outside |= static_cast<unsigned char>(c - 0x21) > 0x7e - 0x21;
    return outside == 0;
}

// Reads a token from a document without an error.
class token_reader
{
public:
    token_reader(
        client_config const& config, token_request const& request, response_reader& from,
        response_context const& facts)
        : config_(config)
        , request_(request)
        , from_(from)
        , facts_(facts)
    {
    }

    [[nodiscard]] result<access_token> read()
    {
        auto const value = from_.document().find("access_token").as_string();
        if (!value || value->empty())
            return from_.malformed("it has no access_token");
        if (value->size() > longest_token)
            return from_.malformed(
                "its access_token is longer than 64 KiB", errc::response_too_large);
        if (!fits_a_header(*value))
            return from_.malformed("its access_token contains characters that no header may carry");
        auto type = token_type();
        if (!type)
            return type.error();
        auto granted = scope();
        if (!granted)
            return granted.error();
        auto const life = lifetime();
        if (!life.valid)
            return from_.malformed("its expires_in is not a number of seconds");
        access_token_info info;
        // With room for the scheme that an Authorization field puts before it.
        info.value.reserve(type->size() + 1 + value->size());
        info.value.append(*value);
        info.token_type = std::move(*type);
        info.scope = std::move(*granted);
        info.lifetime = life.seconds;
        return finished(std::move(info));
    }

private:
    [[nodiscard]] result<std::string> token_type() const
    {
        auto const value = from_.document().find("token_type");
        std::string wanted = config_.dpop ? "DPoP" : "Bearer";
        if (value.absent_or_null() && !config_.server.require_token_type && !config_.dpop)
            return wanted;
        if (value.kind != json_kind::string)
            return from_.malformed("its token_type is missing or is not a string");
        // What an exchange yields need not be an access token (RFC 8693 section 2.2.1).
        bool const not_applicable = request_.grant() != nullptr && value.text == "N_A";
        auto const& also = config_.server.token_type_aliases;
        bool const by_another_name =
            !config_.dpop && std::any_of(
                                 also.begin(), also.end(), [&](std::string const& name)
                                 { return equal_ignoring_case(value.text, name); });
        if (equal_ignoring_case(value.text, wanted) || by_another_name || not_applicable)
            return not_applicable ? std::string(value.text) : wanted;
        return from_.malformed(
            "the token_type is '" + from_.sanitize(value.text).substr(0, 64) + "', not " + wanted,
            errc::unexpected_token_type);
    }

    [[nodiscard]] result<std::string> scope() const
    {
        if (from_.document().find("scope").absent_or_null())
            return request_.scope();
        auto given = from_.scope();
        if (!given)
            return from_.malformed("its scope is neither a string nor a list of strings");
        if (!is_printable_ascii(*given))
            return from_.malformed("its scope contains characters that no scope may have");
        return std::move(*given);
    }

    [[nodiscard]] policy::lifetime lifetime() const
    {
        auto const value = from_.document().find("expires_in");
        auto form = policy::json_form::other;
        if (value.kind == json_kind::absent)
            form = policy::json_form::absent;
        else if (value.kind == json_kind::null)
            form = policy::json_form::null;
        else if (value.kind == json_kind::number)
            form = policy::json_form::number;
        else if (value.kind == json_kind::string)
            form = policy::json_form::string;
        return policy::interpret_expires_in(form, value.text, config_.server.expires_in);
    }

    [[nodiscard]] std::vector<token_member> other_members() const
    {
        constexpr std::array<std::string_view, 4> own = {
            "access_token", "token_type", "expires_in", "scope"};
        auto const& document = from_.document();
        std::vector<token_member> others;
        for (std::size_t i = 0; i < document.size(); ++i)
            if (std::find(own.begin(), own.end(), document.name(i)) == own.end())
                others.push_back(from_.member(i));
        return others;
    }

    [[nodiscard]] access_token finished(access_token_info info)
    {
        info.requested_at = facts_.sent;
        info.requested_at_steady = facts_.sent_steady;
        info.http_status = from_.response().status;
        info.members = other_members();
        if (config_.keep_headers)
            info.headers = std::move(from_.response().headers);
        return access_token(std::move(info));
    }

    client_config const& config_;
    token_request const& request_;
    response_reader& from_;
    response_context const& facts_;
};

} // namespace

result<access_token> read_token_response(
    client_config const& config, token_request const& request, http_response response,
    response_context const& facts)
{
    response_reader reader(config, std::move(response), facts);
    if (auto const failed = reader.look())
        return *failed;
    return token_reader(config, request, reader, facts).read();
}

result<void> read_revocation_response(
    client_config const& config, http_response response, response_context const& facts)
{
    response_reader reader(config, std::move(response), facts);
    auto const failed = reader.look();
    // A body has no meaning here, unless it is an error's.
    bool const refused = !reader.succeeded() || reader.has_oauth_error();
    // What the server does not know is ended, however it says so.
    bool const unknown = reader.response().status == 400 && reader.error_word() == "invalid_token";
    if (failed && refused && !unknown)
        return *failed;
    return {};
}

} // namespace coauth::protocol
