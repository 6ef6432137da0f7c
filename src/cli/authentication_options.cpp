#include "cli/authentication_options.hpp"

#include "cli/flags.hpp"
#include "cli/read_secret.hpp"
#include "cli/sanitize_for_terminal.hpp"

#include <array>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace coauth::cli
{
namespace
{

struct named_method
{
    std::string_view name;
    std::string_view short_name;
    authentication_method method;
};

constexpr std::array<named_method, 10> methods = {{
    {"client_secret_basic", "basic", authentication_method::client_secret_basic},
    {"client_secret_basic_unencoded", "basic-unencoded",
     authentication_method::client_secret_basic_unencoded},
    {"client_secret_post", "post", authentication_method::client_secret_post},
    {"client_secret_jwt", "secret-jwt", authentication_method::client_secret_jwt},
    {"private_key_jwt", "key-jwt", authentication_method::private_key_jwt},
    {"client_assertion", "assertion", authentication_method::client_assertion},
    {"tls_client_auth", "tls", authentication_method::tls_client_auth},
    {"self_signed_tls_client_auth", "self-signed-tls",
     authentication_method::self_signed_tls_client_auth},
    {"none", "none", authentication_method::none},
    {"anonymous", "anonymous", authentication_method::anonymous},
}};

result<authentication_method> parse_method(std::string const& name)
{
    for (auto const& entry : methods)
        if (name == entry.name || name == entry.short_name)
            return entry.method;
    std::string known;
    for (auto const& entry : methods)
        known.append(known.empty() ? "" : ", ").append(entry.short_name);
    return usage_error("--auth is one of " + known + ", not " + in_quotes(name));
}

std::optional<authentication_method> default_method(client_flags const& flags)
{
    if (!flags.assertion_file.empty())
        return authentication_method::client_assertion;
    if (!flags.issuer.empty())
        return std::nullopt;
    if (!flags.key_file.empty())
        return authentication_method::private_key_jwt;
    if (!flags.certificate_file.empty() && flags.client_secret_file.empty())
        return authentication_method::tls_client_auth;
    return is_smscx(flags) ? authentication_method::client_secret_basic_unencoded
                           : authentication_method::client_secret_basic;
}

result<std::optional<signature_algorithm>>
read_algorithm(std::string const& flag, std::string const& name)
{
    if (name.empty())
        return std::optional<signature_algorithm>();
    auto const known = parse_signature_algorithm(name);
    if (!known)
        return usage_error(
            flag + " is a name such as RS256, PS256, ES256, EdDSA or HS256, not " +
            in_quotes(name));
    return known;
}

result<signing_key> read_key(client_flags const& flags)
{
    auto const algorithm = read_algorithm("--alg", flags.algorithm);
    if (!algorithm)
        return algorithm.error();
    if (flags.key_file.empty())
        return signing_key();
    auto key = signing_key::pem_file(flags.key_file, key_passphrase())
                   .key_id(flags.key_id)
                   .certificate_file(flags.assertion_certificate_file);
    return *algorithm ? key.algorithm(**algorithm) : key;
}

assertion_options read_assertions(std::string const& audience)
{
    assertion_options options;
    if (audience == "token-endpoint")
        options.audience_source = audience_source::token_endpoint;
    else if (audience == "endpoint")
        options.audience_source = audience_source::endpoint;
    else if (audience != "issuer")
        options.audience = audience; // empty without the flag
    return options;
}

} // namespace

bool is_smscx(client_flags const& flags)
{
    bool const other = !(flags.issuer + flags.token_endpoint + flags.introspection_endpoint +
                         flags.revocation_endpoint)
                            .empty();
    return !other || !flags.provider.empty() || !flags.host.empty();
}

result<std::optional<authentication_method>> read_authentication_method(client_flags const& flags)
{
    if (flags.auth.empty())
        return default_method(flags);
    auto const method = parse_method(flags.auth);
    if (!method)
        return method.error();
    return std::optional(*method);
}

bool needs_secret(client_flags const& flags, std::optional<authentication_method> method)
{
    if (!method)
        return !flags.client_secret_file.empty() ||
               (flags.key_file.empty() && flags.certificate_file.empty() &&
                std::getenv(client_secret_source.variable) != nullptr);
    return *method == authentication_method::client_secret_basic ||
           *method == authentication_method::client_secret_basic_unencoded ||
           *method == authentication_method::client_secret_post ||
           *method == authentication_method::client_secret_jwt;
}

result<void>
check_combination(client_flags const& flags, std::optional<authentication_method> method)
{
    auto const is_set = [](std::string const& flag) { return !flag.empty(); };
    auto const differs_from = [method](authentication_method expected)
    { return method && *method != expected; };
    bool const may_sign =
        is_set(flags.key_file) || method == authentication_method::client_secret_jwt;
    struct rule
    {
        bool broken;
        char const* sentence;
    };
    for (auto const& [is_broken, message] : {
             rule{
                 is_set(flags.key_file) && differs_from(authentication_method::private_key_jwt),
                 "--key-file goes with --auth key-jwt alone"},
             rule{
                 is_set(flags.assertion_file) &&
                     differs_from(authentication_method::client_assertion),
                 "--assertion-file goes with --auth assertion alone"},
             rule{
                 is_set(flags.client_id) && method == authentication_method::anonymous,
                 "--auth anonymous sends no client id: leave out --client-id, or give --auth none"},
             rule{
                 is_set(flags.algorithm) && !may_sign,
                 "--alg goes with --key-file or --auth secret-jwt: nothing else is signed"},
             rule{
                 is_set(flags.key_id) && !is_set(flags.key_file),
                 "--kid is the name of a key: give --key-file FILE too"},
             rule{
                 is_set(flags.assertion_certificate_file) && !is_set(flags.key_file),
                 "--assertion-cert-file is the certificate of a key: give --key-file FILE too"},
             rule{
                 is_set(flags.assertion_audience) &&
                     differs_from(authentication_method::private_key_jwt) &&
                     differs_from(authentication_method::client_secret_jwt),
                 "--assertion-audience goes with --auth key-jwt and secret-jwt: nothing else is "
                 "signed"},
             rule{
                 is_set(flags.dpop_algorithm) && !is_set(flags.dpop_file),
                 "--dpop-alg is how a key signs: give --dpop FILE too"},
             rule{
                 is_set(flags.certificate_key_file) && !is_set(flags.certificate_file),
                 "--cert-key-file is the key of a certificate: give --cert-file FILE too"},
             rule{
                 is_set(flags.client_secret_file) && !needs_secret(flags, method),
                 "--client-secret-file goes with --auth basic, basic-unencoded, post and "
                 "secret-jwt: "
                 "nothing else needs a secret"},
         })
        if (is_broken)
            return usage_error(message);
    return {};
}

result<std::string>
read_client_id(client_flags const& flags, std::optional<authentication_method> method)
{
    if (method == authentication_method::anonymous)
        return std::string();
    if (!flags.client_id.empty())
        return flags.client_id;
    char const* const value = std::getenv("COAUTH_CLIENT_ID");
    if (value != nullptr && *value != '\0')
        return std::string(value);
    if (method == authentication_method::client_assertion)
        return std::string();
    return usage_error("the client id is missing: give --client-id ID, or set COAUTH_CLIENT_ID");
}

secret_provider key_passphrase()
{
    return []() -> result<secret>
    {
        char const* const value = std::getenv("COAUTH_KEY_PASSPHRASE");
        if (value == nullptr)
            return usage_error("set COAUTH_KEY_PASSPHRASE");
        return secret(value);
    };
}

result<signing_key> read_dpop_key(client_flags const& flags)
{
    auto const algorithm = read_algorithm("--dpop-alg", flags.dpop_algorithm);
    if (!algorithm)
        return algorithm.error();
    if (flags.dpop_file.empty())
        return signing_key();
    auto key = signing_key::pem_file(flags.dpop_file, key_passphrase());
    return *algorithm ? key.algorithm(**algorithm) : key;
}

result<available_credentials> read_credentials(client_flags const& flags)
{
    auto key = read_key(flags);
    if (!key)
        return key.error();
    available_credentials credentials;
    credentials.key = std::move(*key);
    credentials.assertions = read_assertions(flags.assertion_audience);
    credentials.certificate = !flags.certificate_file.empty();
    return credentials;
}

result<client_authentication> make_authentication(
    client_flags const& flags, authentication_method method, std::string client_id,
    available_credentials const& credentials)
{
    auto const& secret = credentials.client_secret;
    switch (method)
    {
    case authentication_method::client_secret_basic:
        return client_authentication::client_secret_basic(std::move(client_id), secret);
    case authentication_method::client_secret_basic_unencoded:
        return client_authentication::client_secret_basic_unencoded(std::move(client_id), secret);
    case authentication_method::client_secret_post:
        return client_authentication::client_secret_post(std::move(client_id), secret);
    case authentication_method::client_secret_jwt:
        return client_authentication::client_secret_jwt(
            std::move(client_id), secret,
            parse_signature_algorithm(flags.algorithm).value_or(signature_algorithm::hs256),
            credentials.assertions);
    case authentication_method::private_key_jwt:
        if (credentials.key.empty())
            return usage_error("this --auth needs a key: give --key-file FILE");
        return client_authentication::private_key_jwt(
            std::move(client_id), credentials.key, credentials.assertions);
    case authentication_method::client_assertion:
        if (flags.assertion_file.empty())
            return usage_error("this --auth needs an assertion: give --assertion-file FILE");
        return client_authentication::client_assertion(
            std::move(client_id), secret_from_file(flags.assertion_file));
    case authentication_method::tls_client_auth:
    case authentication_method::self_signed_tls_client_auth:
        if (!credentials.certificate)
            return usage_error("this --auth needs a certificate: give --cert-file FILE");
        if (method == authentication_method::self_signed_tls_client_auth)
            return client_authentication::self_signed_tls_client_auth(std::move(client_id));
        return client_authentication::tls_client_auth(std::move(client_id));
    case authentication_method::anonymous:
        return client_authentication::anonymous();
    case authentication_method::unset:
    case authentication_method::none:
    case authentication_method::bearer_token:
        break;
    }
    return client_authentication::none(std::move(client_id));
}

} // namespace coauth::cli
