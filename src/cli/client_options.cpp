#include "cli/client_options.hpp"

#include <coauth/smscx.hpp>

#include "cli/flags.hpp"
#include "cli/sanitize_for_terminal.hpp"
#include "cli/secret_input.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <utility>

namespace coauth::cli
{
namespace
{

struct named_method
{
    std::string_view name;
    std::string_view short_name;
    authentication_method how;
};

constexpr std::array<named_method, 9> methods = {{
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
}};

result<authentication_method> read_method(std::string const& name)
{
    for (auto const& one : methods)
        if (name == one.name || name == one.short_name)
            return one.how;
    std::string known;
    for (auto const& one : methods)
        known.append(known.empty() ? "" : ", ").append(one.short_name);
    return usage_error("--auth is one of " + known + ", not " + in_quotes(name));
}

result<std::chrono::milliseconds> read_timeout(std::string const& text)
{
    double seconds = 0;
    auto const end = text.data() + text.size();
    auto const [stop, failure] = std::from_chars(text.data(), end, seconds);
    // Within what an integer holds; the library knows the real bounds.
    bool const readable = failure == std::errc() && stop == end && std::abs(seconds) < 1e9;
    if (!readable)
        return usage_error("--timeout is a number of seconds, as in 2.5, not " + in_quotes(text));
    return std::chrono::milliseconds(std::llround(seconds * 1000));
}

// SMS.CX unless another server is named; both together are its manners at another address.
bool is_smscx(client_flags const& flags)
{
    bool const other = !(flags.issuer + flags.token_endpoint + flags.introspection_endpoint +
                         flags.revocation_endpoint)
                            .empty();
    return !other || !flags.provider.empty() || !flags.host.empty();
}

result<authorization_server> read_server(client_flags const& flags)
{
    if (!flags.provider.empty() && flags.provider != "smscx")
        return usage_error(
            "there is no provider " + in_quotes(flags.provider) +
            ": give smscx, or the URL of any other server with --issuer or --token-endpoint");
    if (!flags.host.empty() && !flags.token_endpoint.empty())
        return usage_error("--host and --token-endpoint exclude each other: --token-endpoint is "
                           "the whole URL already");
    if (!flags.issuer.empty() && !(flags.provider + flags.host + flags.token_endpoint).empty())
        return usage_error("--issuer excludes --provider, --host and --token-endpoint: the issuer "
                           "says where its endpoints are");
    authorization_server server;
    if (is_smscx(flags))
        server = smscx::server(flags.host.empty() ? smscx::default_host : flags.host);
    if (!flags.token_endpoint.empty())
        server.token_endpoint = flags.token_endpoint;
    server.introspection_endpoint = flags.introspection_endpoint;
    server.revocation_endpoint = flags.revocation_endpoint;
    // A client has one, though nothing is asked there when it is not given.
    for (auto const& url : {flags.introspection_endpoint, flags.revocation_endpoint})
        if (server.token_endpoint.empty() && flags.issuer.empty())
            server.token_endpoint = url;
    return server;
}

std::optional<authentication_method> default_method(client_flags const& flags)
{
    if (!flags.assertion_file.empty())
        return authentication_method::client_assertion;
    if (!flags.issuer.empty())
        return std::nullopt;
    if (!flags.key_file.empty())
        return authentication_method::private_key_jwt;
    if (!flags.certificate_file.empty() && flags.secret_from_file.empty())
        return authentication_method::tls_client_auth;
    bool const raw = is_smscx(flags);
    return raw ? authentication_method::client_secret_basic_unencoded
               : authentication_method::client_secret_basic;
}

// Whether a secret has to be read.
bool needs_secret(client_flags const& flags, std::optional<authentication_method> how)
{
    if (!how)
        return !flags.secret_from_file.empty() ||
               (flags.key_file.empty() && flags.certificate_file.empty() &&
                std::getenv(client_secret_place.variable) != nullptr);
    return *how == authentication_method::client_secret_basic ||
           *how == authentication_method::client_secret_basic_unencoded ||
           *how == authentication_method::client_secret_post ||
           *how == authentication_method::client_secret_jwt;
}

// A flag that would do nothing is a mistake about what the command does.
result<void> check_together(client_flags const& flags, std::optional<authentication_method> how)
{
    auto const given = [](std::string const& flag) { return !flag.empty(); };
    auto const is_not = [how](authentication_method wanted) { return how && *how != wanted; };
    bool const may_sign = given(flags.key_file) || how == authentication_method::client_secret_jwt;
    struct rule
    {
        bool broken;
        char const* sentence;
    };
    for (auto const& [broken, sentence] : {
             rule{
                 given(flags.key_file) && is_not(authentication_method::private_key_jwt),
                 "--key-file goes with --auth key-jwt alone"},
             rule{
                 given(flags.assertion_file) && is_not(authentication_method::client_assertion),
                 "--assertion-file goes with --auth assertion alone"},
             rule{
                 given(flags.algorithm) && !may_sign,
                 "--alg goes with --key-file or --auth secret-jwt: nothing else is signed"},
             rule{
                 given(flags.key_id) && !given(flags.key_file),
                 "--kid is the name of a key: give --key-file FILE too"},
             rule{
                 given(flags.assertion_certificate_file) && !given(flags.key_file),
                 "--assertion-cert-file is the certificate of a key: give --key-file FILE too"},
             rule{
                 given(flags.audience_source) && is_not(authentication_method::private_key_jwt) &&
                     is_not(authentication_method::client_secret_jwt),
                 "--assertion-audience goes with --auth key-jwt and secret-jwt: nothing else is "
                 "signed"},
             rule{
                 given(flags.dpop_algorithm) && !given(flags.dpop_file),
                 "--dpop-alg is how a key signs: give --dpop FILE too"},
             rule{
                 given(flags.certificate_key_file) && !given(flags.certificate_file),
                 "--cert-key-file is the key of a certificate: give --cert-file FILE too"},
             rule{
                 given(flags.secret_from_file) && !needs_secret(flags, how),
                 "--client-secret-file goes with --auth basic, basic-unencoded, post and "
                 "secret-jwt: "
                 "nothing else needs a secret"},
         })
        if (broken)
            return usage_error(sentence);
    return {};
}

result<std::string>
read_client_id(client_flags const& flags, std::optional<authentication_method> how)
{
    if (!flags.client_id.empty())
        return flags.client_id;
    char const* const value = std::getenv("COAUTH_CLIENT_ID");
    if (value != nullptr && *value != '\0')
        return std::string(value);
    if (how == authentication_method::client_assertion)
        return std::string();
    return usage_error("the client id is missing: give --client-id ID, or set COAUTH_CLIENT_ID");
}

// The pass-phrase of a key may be in the environment.
secret_provider passphrase()
{
    return []() -> result<secret>
    {
        char const* const value = std::getenv("COAUTH_KEY_PASSPHRASE");
        if (value == nullptr)
            return usage_error("set COAUTH_KEY_PASSPHRASE");
        return secret(value);
    };
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
    auto key = signing_key::pem_file(flags.key_file, passphrase())
                   .key_id(flags.key_id)
                   .certificate_file(flags.assertion_certificate_file);
    return *algorithm ? key.algorithm(**algorithm) : key;
}

result<signing_key> read_dpop_key(client_flags const& flags)
{
    auto const algorithm = read_algorithm("--dpop-alg", flags.dpop_algorithm);
    if (!algorithm)
        return algorithm.error();
    if (flags.dpop_file.empty())
        return signing_key();
    auto key = signing_key::pem_file(flags.dpop_file, passphrase());
    return *algorithm ? key.algorithm(**algorithm) : key;
}

assertion_options read_assertions(std::string const& audience)
{
    assertion_options made;
    if (audience == "token-endpoint")
        made.audience_source = audience_source::token_endpoint;
    else if (audience == "endpoint")
        made.audience_source = audience_source::endpoint;
    else if (audience != "issuer")
        made.audience = audience; // empty, where nothing was said
    return made;
}

result<client_authentication> make_authentication(
    client_flags const& flags, authentication_method how, std::string id,
    available_credentials const& have)
{
    auto const& text = have.client_secret;
    switch (how)
    {
    case authentication_method::client_secret_basic:
        return client_authentication::client_secret_basic(std::move(id), text);
    case authentication_method::client_secret_basic_unencoded:
        return client_authentication::client_secret_basic_unencoded(std::move(id), text);
    case authentication_method::client_secret_post:
        return client_authentication::client_secret_post(std::move(id), text);
    case authentication_method::client_secret_jwt:
        return client_authentication::client_secret_jwt(
            std::move(id), text,
            parse_signature_algorithm(flags.algorithm).value_or(signature_algorithm::hs256),
            have.assertions);
    case authentication_method::private_key_jwt:
        if (have.key.empty())
            return usage_error("this --auth needs a key: give --key-file FILE");
        return client_authentication::private_key_jwt(std::move(id), have.key, have.assertions);
    case authentication_method::client_assertion:
        if (flags.assertion_file.empty())
            return usage_error("this --auth needs an assertion: give --assertion-file FILE");
        return client_authentication::client_assertion(
            std::move(id), secret_from_file(flags.assertion_file));
    case authentication_method::tls_client_auth:
    case authentication_method::self_signed_tls_client_auth:
        if (!have.certificate)
            return usage_error("this --auth needs a certificate: give --cert-file FILE");
        if (how == authentication_method::self_signed_tls_client_auth)
            return client_authentication::self_signed_tls_client_auth(std::move(id));
        return client_authentication::tls_client_auth(std::move(id));
    case authentication_method::unset:
    case authentication_method::none:
    case authentication_method::anonymous:
        break;
    }
    return client_authentication::none(std::move(id));
}

// What is the same whoever asks.
result<client_options> read_common(client_flags const& flags)
{
    client_options options;
    auto server = read_server(flags);
    if (!server)
        return server.error();
    auto const timeout = read_timeout(flags.timeout);
    if (!timeout)
        return timeout.error();
    auto& config = options.config;
    config.server = std::move(*server);
    config.tls.ca_file = flags.ca_file;
    config.timeout = *timeout;
    // A person who looks at an error wants the first one.
    config.retry.max_attempts = 1;
    config.user_agent = flags.user_agent;
    config.allow_http_loopback = flags.http_loopback;
    options.issuer = flags.issuer;
    options.verbose = flags.verbose;
    return options;
}

void take_keys(client_flags const& flags, client_config& config)
{
    config.tls.certificate_file = flags.certificate_file;
    config.tls.key_file = flags.certificate_key_file;
    config.tls.key_passphrase = passphrase();
}

// What the server's metadata decide, or the defaults where there are none.
result<void> take_dpop(client_options& into)
{
    if (into.dpop_key.empty())
        return {};
    auto const key = select_dpop_key(into.config.server, into.dpop_key);
    if (!key)
        return key.error();
    into.config.dpop = std::make_shared<dpop_prover>(*key);
    return {};
}

result<void> choose_method(client_options& into)
{
    auto server = into.config.server;
    if (!(server.*into.methods).empty())
        server.authentication_methods = server.*into.methods;
    auto chosen = select_client_authentication(server, into.client_id, std::move(into.credentials));
    if (chosen)
        return into.config.authentication = std::move(*chosen), result<void>();
    auto info = chosen.error().info();
    info.context += "; give --client-secret-file, --key-file or --cert-file to fit, or say how "
                    "with --auth";
    return error(chosen.error().value(), std::move(info));
}

} // namespace

result<client_options> read_client_options(client_flags const& flags)
{
    auto options = read_common(flags);
    if (!options)
        return options;
    auto how = default_method(flags);
    if (!flags.auth.empty())
    {
        auto const named = read_method(flags.auth);
        if (!named)
            return named.error();
        how = *named;
    }
    if (auto const good = check_together(flags, how); !good)
        return good.error();
    auto id = read_client_id(flags, how);
    if (!id)
        return id.error();
    auto key = read_key(flags);
    if (!key)
        return key.error();
    auto dpop_key = read_dpop_key(flags);
    if (!dpop_key)
        return dpop_key.error();
    options->dpop_key = std::move(*dpop_key);
    auto& have = options->credentials;
    have.key = std::move(*key);
    have.assertions = read_assertions(flags.audience_source);
    have.certificate = !flags.certificate_file.empty();
    options->client_id = std::move(*id);
    // Known to be right before a secret is read, which may be waited for.
    if (how)
        if (auto const good = make_authentication(flags, *how, options->client_id, have); !good)
            return good.error();
    if (needs_secret(flags, how))
    {
        auto text = read_secret(client_secret_place, flags.secret_from_file);
        if (!text)
            return text.error();
        have.client_secret = std::move(*text);
    }
    options->choose = !how;
    if (how)
        options->config.authentication =
            *make_authentication(flags, *how, options->client_id, have);
    take_keys(flags, options->config);
    if (options->issuer.empty())
        if (auto const taken = take_dpop(*options); !taken)
            return taken.error();
    return options;
}

result<client_options> read_discovery_options(client_flags const& flags)
{
    if (flags.issuer.empty())
        return usage_error("the issuer is missing: give --issuer URL");
    return read_common(flags);
}

discovery_options discovery_of(client_config const& config)
{
    discovery_options options;
    options.tls = config.tls;
    options.timeout = config.timeout;
    options.allow_http_loopback = config.allow_http_loopback;
    options.user_agent = config.user_agent;
    return options;
}

result<void> take_server(client_options& into, authorization_server found)
{
    auto const named = std::exchange(into.config.server, std::move(found));
    auto& server = into.config.server;
    // Those of the command line come first.
    if (!named.introspection_endpoint.empty())
        server.introspection_endpoint = named.introspection_endpoint,
        server.mtls_endpoint_aliases.introspection_endpoint.clear();
    if (!named.revocation_endpoint.empty())
        server.revocation_endpoint = named.revocation_endpoint,
        server.mtls_endpoint_aliases.revocation_endpoint.clear();
    if (auto const taken = take_dpop(into); !taken)
        return taken;
    return into.choose ? choose_method(into) : result<void>();
}

} // namespace coauth::cli
