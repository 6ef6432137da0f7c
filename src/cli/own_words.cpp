#include "cli/own_words.hpp"

#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace coauth::cli
{
namespace
{

using replacement = std::pair<std::string_view, std::string_view>;

// One that is part of another comes after it.
constexpr std::array<replacement, 36> replacements = {{
    {"tls.ca_file or tls.ca_pem", "--ca-file"},
    {"tls.certificate_file or tls.certificate_pem", "--cert-file"},
    {"tls.key_file or tls.key_pem", "--cert-key-file"},
    {"use tls.ca_pem", "give the name of a file"},
    {"use tls.certificate_pem", "give the name of a file"},
    {"use tls.key_pem", "give the name of a file"},
    {"tls.ca_file", "--ca-file"},
    {"tls.ca_pem", "--ca-file"},
    {"tls.certificate_file", "--cert-file"},
    {"tls.certificate_pem", "--cert-file"},
    {"tls.key_file", "--cert-key-file"},
    {"tls.key_pem", "--cert-key-file"},
    {"tls.key_passphrase", "COAUTH_KEY_PASSPHRASE"},
    {"proxy.url, proxy.user and proxy.password,",
     "--proxy, and the user name and password in HTTPS_PROXY,"},
    {"proxy.url", "--proxy"},
    {"server.token_endpoint", "--token-endpoint"},
    {"server.introspection_endpoint", "--introspection-endpoint"},
    {"server.revocation_endpoint", "--revocation-endpoint"},
    {"set it by the function of token_request or by client_config::authentication",
     "use the flag for it"},
    {"client_config::authentication", "the flags of client authentication"},
    {"allow_http_loopback", "--http-loopback"},
    {"use signing_key::pem_file or another of its functions", "give a file"},
    {"use signing_key::pem_file", "give a file"},
    {"use signing_key::certificate_pem", "give the name of a file"},
    {"use signing_key::pem", "give the name of a file"},
    {"from signing_key::pem_file or signing_key::pem", "from a file"},
    {"set a function that returns one, such as secret_from_file", "give --assertion-file FILE"},
    {"use client_authentication::none", "give --auth none"},
    {"use client_authentication::client_secret_basic or another of its functions", "give --auth"},
    {"use private_key_jwt", "give --auth key-jwt"},
    {"select_dpop_key chooses an algorithm that the server supports",
     "leave out --dpop-alg, or give one that the server supports"},
    {"authentication: the signing key", "--key-file: the key"},
    {"dpop: the key", "--dpop: the key"},
    {"retry.max_attempts", "--retry"},
    {"redis_options::url", "--store"},
    {"the keys for shared tokens", "the keys in --store-key-file"},
}};

// Options that a message begins with. Elsewhere these are words.
constexpr std::array<replacement, 7> first_words = {{
    {"timeout ", "--timeout "},
    {"user_agent ", "--user-agent "},
    {"issuer ", "--issuer "},
    {"scope ", "--scope "},
    {"resource ", "--resource "},
    {"audience ", "--audience "},
    {"authorization_details ", "--authorization-details "},
}};

// Options of the store that have flags of their own, or the names of other options.
constexpr std::array<replacement, 7> store_replacements = {{
    {"tls.ca_file or tls.ca_pem", "--store-ca-file"},
    {"use tls.ca_pem", "give the name of a file"},
    {"tls.ca_file", "--store-ca-file"},
    {"check user and password in redis_options",
     "check the user in --store, and COAUTH_STORE_PASSWORD or --store-password-file"},
    {"Set the password in redis_options", "Set COAUTH_STORE_PASSWORD or --store-password-file"},
    {"the user of redis_options", "the user in --store"},
    {"check the host in the URL", "check the host in --store"},
}};

template <std::size_t Size>
void replace_all(std::string& text, std::array<replacement, Size> const& table)
{
    for (auto const& [option, flag] : table)
        for (std::size_t at = 0; (at = text.find(option, at)) != std::string::npos;
             at += flag.size())
            text.replace(at, option.size(), flag);
}

std::string translate(std::string text)
{
    for (auto const& [option, flag] : first_words)
        if (text.starts_with(option))
        {
            text.replace(0, option.size(), flag);
            break;
        }
    replace_all(text, replacements);
    return text;
}

} // namespace

error in_own_words(error const& failure)
{
    auto info = failure.info();
    info.context = translate(std::move(info.context));
    return {failure.value(), std::move(info)};
}

error in_words_of_store(error const& failure)
{
    auto info = failure.info();
    replace_all(info.context, store_replacements);
    return in_own_words({failure.value(), std::move(info)});
}

} // namespace coauth::cli
