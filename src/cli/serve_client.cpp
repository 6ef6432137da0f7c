#include "cli/serve_client.hpp"

#include "cli/read_secret.hpp"
#include "cli/sanitize_for_terminal.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <initializer_list>
#include <random>
#include <sstream>
#include <system_error>
#include <utility>

namespace coauth::cli
{
namespace
{

result<std::string> read_client_secret(std::string const& file)
{
    if (file.empty())
        return generated_secret();
    auto const secret = read_secret(client_secret_source, file);
    if (!secret)
        return secret.error();
    return std::string(secret->view());
}

// A flag that names a PEM file, and the accepted contents of that file.
struct pem_flag
{
    char const* name;
    char const* content;
    std::initializer_list<char const*> labels;
};

constexpr pem_flag key_flag{
    "--key-file",
    "public key or certificate; openssl pkey -in KEY -pubout converts a private key",
    {"-----BEGIN PUBLIC KEY-----", "-----BEGIN CERTIFICATE-----"}};
constexpr pem_flag certificate_flag{"--cert-file", "certificate", {"-----BEGIN CERTIFICATE-----"}};
constexpr pem_flag client_ca_flag{
    "--client-ca-file", "certificate", {"-----BEGIN CERTIFICATE-----"}};
constexpr pem_flag assertion_key_flag{
    "--assertion-key-file",
    key_flag.content,
    {"-----BEGIN PUBLIC KEY-----", "-----BEGIN CERTIFICATE-----"}};

result<std::string> read_pem(pem_flag const& flag, std::string const& file)
{
    std::ifstream input(file);
    if (!input)
        return usage_error(
            std::string(flag.name) + " " + in_quotes(file) +
            " cannot be read: " + std::generic_category().message(errno));
    std::ostringstream text;
    text << input.rdbuf();
    for (auto const* const label : flag.labels)
        if (text.str().find(label) != std::string::npos)
            return text.str();
    return usage_error(
        std::string(flag.name) + " " + in_quotes(file) + " contains no PEM " + flag.content);
}

// The credentials of the client other than its secret.
result<testing::registered_client> read_client(serve_flags const& flags)
{
    testing::registered_client client{flags.client_id};
    client.subject = flags.certificate_subject;
    for (auto const& file : flags.key_files)
    {
        auto key = read_pem(key_flag, file);
        if (!key)
            return key.error();
        client.public_keys.push_back(std::move(*key));
    }
    if (!flags.certificate_file.empty())
    {
        auto certificate = read_pem(certificate_flag, flags.certificate_file);
        if (!certificate)
            return certificate.error();
        client.certificates.push_back(std::move(*certificate));
    }
    return client;
}

} // namespace

std::string generated_secret()
{
    std::random_device random;
    std::uniform_int_distribution<std::size_t> digit(0, 15);
    std::string text;
    while (text.size() < 32)
        text += "0123456789abcdef"[digit(random)];
    return text;
}

result<void> set_registered_client(serve_flags const& flags, testing::server_options& server)
{
    auto client = read_client(flags);
    if (!client)
        return client.error();
    if (!flags.client_ca_file.empty())
    {
        auto authorities = read_pem(client_ca_flag, flags.client_ca_file);
        if (!authorities)
            return authorities.error();
        server.client_ca_pem = std::move(*authorities);
    }
    // Last, because it may wait for a person to type the secret.
    auto client_secret = flags.is_public ? result<std::string>(std::string())
                                         : read_client_secret(flags.secret_file);
    if (!client_secret)
        return client_secret.error();
    client->assertion_secret = *client_secret;
    server.client_id = flags.client_id;
    server.client_secret = std::move(*client_secret);
    if (!client->certificates.empty() || !server.client_ca_pem.empty())
        server.client_certificates = flags.mtls_alias
                                         ? testing::client_certificates::requested_at_alias
                                         : testing::client_certificates::requested;
    server.clients = {std::move(*client)};
    return {};
}

result<void> set_assertion_issuer(serve_flags const& flags, testing::server_options& server)
{
    if (flags.assertion_issuer.empty())
        return {};
    bool const accepts_assertions =
        std::find(
            server.grants.begin(), server.grants.end(),
            "urn:ietf:params:oauth:grant-type:jwt-bearer") != server.grants.end();
    if (!accepts_assertions)
        return usage_error("--assertion-issuer goes with --grant jwt-bearer");
    testing::trusted_issuer trusted{flags.assertion_issuer, {}};
    for (auto const& file : flags.assertion_key_files)
    {
        auto key = read_pem(assertion_key_flag, file);
        if (!key)
            return key.error();
        trusted.public_keys.push_back(std::move(*key));
    }
    server.assertion_issuers = {std::move(trusted)};
    return {};
}

} // namespace coauth::cli
