#include "authentication/signed_introspection.hpp"

#include "protocol/response_reader.hpp"
#include "protocol/trim.hpp"
#include "values/encoding.hpp"
#include "values/json_document.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace coauth::detail
{
namespace
{

constexpr std::chrono::minutes clock_difference{1};

std::string_view text_of(json_document const& document, std::string_view name)
{
    return document.find(name).as_string().value_or(std::string_view());
}

// The parts of a JSON Web Token in its compact form (RFC 7515 section 3.1).
struct compact_jwt
{
    std::string_view signing_input;
    secret header;
    secret claims;
    secret signature;
};

bool is_base64url(std::string_view text)
{
    return std::all_of(
        text.begin(), text.end(),
        [](char c)
        {
            return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                   c == '-' || c == '_';
        });
}

std::optional<compact_jwt> split(std::string_view text)
{
    auto const first = text.find('.');
    auto const last = text.rfind('.');
    if (first == std::string_view::npos || first == last)
        return std::nullopt;
    auto const header = text.substr(0, first);
    auto const claims = text.substr(first + 1, last - first - 1);
    auto const signature = text.substr(last + 1);
    for (auto const part : {header, claims, signature})
        if (part.empty() || !is_base64url(part))
            return std::nullopt;
    return compact_jwt{
        text.substr(0, last), decode_base64(header), decode_base64(claims),
        decode_base64(signature)};
}

// Verifies one response. Its functions return why it is refused.
class verifier
{
public:
    verifier(client_config const& config, protocol::response_reader const& response)
        : config_(config)
        , response_(response)
    {
    }

    [[nodiscard]] result<void> check_header(json_document const& header) const
    {
        std::string_view type = text_of(header, "typ");
        constexpr std::string_view prefix = "application/";
        if (equal_ignoring_case(type.substr(0, prefix.size()), prefix))
            type.remove_prefix(prefix.size());
        if (!equal_ignoring_case(type, "token-introspection+jwt"))
            return refused("its type (typ) is not token-introspection+jwt");
        if (header.find("crit").kind != json_kind::absent)
            return refused("it names critical header parameters (crit), of which none is known");
        return {};
    }

    [[nodiscard]] result<void> check_signature(
        compact_jwt const& jwt, json_document const& header, crypto::key_set const& keys,
        bool& key_is_unknown) const
    {
        auto const name = text_of(header, "alg");
        auto const algorithm = parse_signature_algorithm(name);
        if (!algorithm || *algorithm <= signature_algorithm::hs512)
            return refused(
                "its algorithm '" + response_.sanitize(name).substr(0, 64) +
                "' is not one of signatures with a public key");
        auto const id = text_of(header, "kid");
        key_is_unknown = !id.empty() && !keys.has_key(id);
        if (key_is_unknown)
            return refused(
                "its key '" + response_.sanitize(id).substr(0, 64) + "' is not among " +
                (config_.signed_introspection.fetch_jwks
                     ? "those that the server publishes at " + config_.server.jwks_uri
                     : "those of signed_introspection; give the server's present keys"));
        if (keys.verifies(*algorithm, id, jwt.signing_input, jwt.signature.view()))
            return {};
        key_is_unknown = id.empty();
        return refused("its signature is not valid");
    }

    [[nodiscard]] result<void>
    check_claims(json_document const& claims, std::chrono::system_clock::time_point received) const
    {
        // Identical, as everywhere for issuers.
        auto const issuer = claims.find("iss");
        if (issuer.as_string() != std::string_view(config_.server.issuer))
            return refused(
                "its issuer (iss) is '" + response_.sanitize(issuer).substr(0, 256) + "', not '" +
                config_.server.issuer + "'");
        auto const& named = config_.signed_introspection.audience;
        auto const& expected = named.empty() ? config_.authentication.client_id() : named;
        auto const audience = claims.find("aud").as_strings();
        if (!audience || std::find(audience->begin(), audience->end(), expected) == audience->end())
            return refused(
                "its audience (aud) is not '" + expected +
                "'; signed_introspection.audience may name another");
        if (!claims.find("iat").as_time())
            return refused("it does not say when it was issued (iat)");
        auto const expires = claims.find("exp").as_time();
        if (expires && *expires + clock_difference < received)
            return refused("it has expired (exp); check the clock");
        return {};
    }

    [[nodiscard]] error refused(std::string const& why) const
    {
        return response_.malformed("the signed response cannot be accepted: " + why);
    }

private:
    client_config const& config_;
    protocol::response_reader const& response_;
};

// The JSON text of the statement.
result<secret> open_response(
    client_config const& config, crypto::key_set const& keys, protocol::response_reader& reader,
    std::chrono::system_clock::time_point received, bool& key_is_unknown)
{
    auto const body = reader.response().body.view();
    verifier const check(config, reader);
    auto const jwt = split(protocol::trim(body));
    if (!jwt)
    {
        // The compact form of encryption has five parts (RFC 7516 section 3.1).
        bool const encrypted = std::count(body.begin(), body.end(), '.') == 4;
        return reader.malformed(
            encrypted ? "it is encrypted, which is not supported"
                      : "it is not a signed response (RFC 9701), which signed_introspection "
                        "requires");
    }
    auto const header = json_document::parse(jwt->header.view());
    auto const claims = json_document::parse(jwt->claims.view());
    if (!header || !claims)
        return check.refused("its header or its claims are not a JSON object");
    if (auto const checked = check.check_header(*header); !checked)
        return checked.error();
    if (auto const checked = check.check_signature(*jwt, *header, keys, key_is_unknown); !checked)
        return checked.error();
    if (auto const checked = check.check_claims(*claims, received); !checked)
        return checked.error();
    auto const statement = claims->find("token_introspection");
    if (statement.kind != json_kind::object)
        return check.refused("it has no object token_introspection");
    return secret(statement.text);
}

} // namespace

bool wants_signed_introspection(client_config const& config) noexcept
{
    auto const& options = config.signed_introspection;
    return !options.jwks.empty() || !options.jwks_file.empty() || options.fetch_jwks;
}

std::shared_ptr<crypto::key_set_source> load_introspection_keys(client_config const& config)
{
    auto const& options = config.signed_introspection;
    if (options.jwks.empty() && options.jwks_file.empty())
        return nullptr;
    return std::make_shared<crypto::key_set_source>(
        options.jwks, options.jwks_file,
        options.jwks_file.empty() ? "signed_introspection.jwks" : "signed_introspection.jwks_file");
}

result<key_set_ptr> read_key_set_response(
    client_config const& config, std::string_view url, http_response response,
    protocol::response_context const& context)
{
    protocol::response_reader reader(config, std::move(response), context);
    if (auto const failure = reader.read_error())
        return *failure;
    auto keys = crypto::key_set::parse(reader.response().body.view(), std::string(url));
    if (keys)
        return keys;
    return reader.malformed(
        "it is not a JSON Web Key Set of at most 100 keys, with a public key for signatures of the "
        "type RSA, EC or OKP (Ed25519)");
}

result<http_response> verify_introspection_response(
    client_config const& config, crypto::key_set const& keys, http_response response,
    protocol::response_context const& context, bool& key_is_unknown)
{
    if (response.status < 200 || response.status > 299)
        return response;
    protocol::response_reader reader(config, std::move(response), context);
    auto statement = open_response(config, keys, reader, context.received, key_is_unknown);
    if (!statement)
        return statement.error();
    auto opened = std::move(reader.response());
    opened.body = std::move(*statement);
    return opened;
}

} // namespace coauth::detail
