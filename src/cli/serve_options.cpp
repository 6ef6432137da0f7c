#include "cli/serve_options.hpp"

#include "cli/sanitize_for_terminal.hpp"
#include "cli/secret_input.hpp"

#include <boost/program_options.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <initializer_list>
#include <ostream>
#include <random>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>

namespace coauth::cli
{
namespace
{

namespace po = boost::program_options;

// The flags as they were typed.
struct serve_flags
{
    std::string port;
    std::string flavor;
    std::string scope;
    std::vector<std::string> grants;
    std::string assertion_issuer;
    std::vector<std::string> assertion_key_files;
    std::string lifetime;
    std::string dpop;
    bool dpop_nonce = false;
    bool http = false;

    std::string client_id;
    std::string secret_from_file;
    std::vector<std::string> key_files;
    std::string certificate_file;
    std::string client_ca_file;
    std::string certificate_subject;
    bool mtls_alias = false;
    bool is_public = false;

    std::string output;
    bool help = false;
};

po::options_description server_group(serve_flags& into)
{
    po::options_description group("The server");
    group.add_options()(
        "port", po::value(&into.port)->default_value("0")->value_name("NUMBER"),
        "the port at 127.0.0.1; 0: any free one")(
        "flavor", po::value(&into.flavor)->default_value("rfc6749")->value_name("NAME"),
        "rfc6749, or smscx to response as SMS.CX does")(
        "scope", po::value(&into.scope)->default_value("read write")->value_name("WORDS"),
        "the scopes that the client may have")(
        "grant", po::value(&into.grants)->value_name("NAME"),
        "a grant beside client credentials: refresh-token, jwt-bearer or token-exchange; "
        "repeatable")(
        "assertion-issuer", po::value(&into.assertion_issuer)->value_name("TEXT"),
        "who makes the assertions of the jwt-bearer grant (iss). Default: any is taken, unread")(
        "assertion-key-file", po::value(&into.assertion_key_files)->value_name("FILE"),
        "the public key or certificate, in PEM, of that issuer; repeatable")(
        "token-lifetime", po::value(&into.lifetime)->default_value("3600")->value_name("SECONDS"),
        "how long its tokens live")(
        "dpop", po::value(&into.dpop)->default_value("accepted")->value_name("WHEN"),
        "off, accepted or required: whether tokens are bound to a key (RFC 9449)")(
        "dpop-nonce", po::bool_switch(&into.dpop_nonce), "proofs of that key need its nonce")(
        "http", po::bool_switch(&into.http), "speak plain HTTP; see coauth token --http-loopback");
    return group;
}

po::options_description client_group(serve_flags& into)
{
    po::options_description group("The client that it knows");
    group.add_options()(
        "client-id", po::value(&into.client_id)->default_value("client")->value_name("ID"),
        "its id")(
        "secret-file", po::value(&into.secret_from_file)->value_name("FILE"),
        "the file with its secret, - for standard input. Default: a new secret")(
        "key-file", po::value(&into.key_files)->value_name("FILE"),
        "the public key or certificate, in PEM, of the key that signs its assertions; "
        "repeatable")(
        "cert-file", po::value(&into.certificate_file)->value_name("FILE"),
        "its self-signed TLS certificate, in PEM (RFC 8705)")(
        "client-ca-file", po::value(&into.client_ca_file)->value_name("FILE"),
        "the CA certificates, in PEM, that issue TLS certificates to clients")(
        "cert-subject", po::value(&into.certificate_subject)->value_name("TEXT"),
        "the subject of its certificate of such a CA, as in \"CN=client,O=Example\"")(
        "mtls-alias", po::bool_switch(&into.mtls_alias),
        "ask for certificates at a second port alone, which the metadata name (RFC 8705)")(
        "public", po::bool_switch(&into.is_public), "it proves nothing: its id is enough");
    return group;
}

po::options_description all_flags(serve_flags& into)
{
    po::options_description how("How");
    how.add_options()(
        "output,o", po::value(&into.output)->default_value("summary")->value_name("FORM"),
        "summary, or env: assignments for a shell")(
        "help,h", po::bool_switch(&into.help), "show this help");
    po::options_description all;
    all.add(server_group(into)).add(client_group(into)).add(how);
    return all;
}

template <class Number>
result<Number>
read_number(std::string const& flag, std::string const& text, Number lowest, Number highest)
{
    Number number = 0;
    auto const end = text.data() + text.size();
    auto const [stop, failure] = std::from_chars(text.data(), end, number);
    if (failure == std::errc() && stop == end && number >= lowest && number <= highest)
        return number;
    return usage_error(
        flag + " is a number from " + std::to_string(lowest) + " to " + std::to_string(highest) +
        ", not " + in_quotes(text));
}

std::vector<std::string> words(std::string const& text)
{
    std::vector<std::string> found;
    std::string word;
    for (char const c : text + ' ')
    {
        if (c != ' ')
            word += c;
        else if (!word.empty())
            found.push_back(std::exchange(word, {}));
    }
    return found;
}

// Good enough for a server that only this machine reaches.
std::string generated_secret()
{
    std::random_device random;
    std::uniform_int_distribution<std::size_t> digit(0, 15);
    std::string text;
    while (text.size() < 32)
        text += "0123456789abcdef"[digit(random)];
    return text;
}

result<std::string> read_secret(std::string const& file)
{
    if (file.empty())
        return generated_secret();
    auto const given = read_secret(client_secret_place, file);
    if (!given)
        return given.error();
    return std::string(given->view());
}

result<testing::server_flavor> read_flavor(std::string const& text)
{
    if (text == "rfc6749")
        return testing::server_flavor::rfc6749;
    if (text == "smscx")
        return testing::server_flavor::smscx;
    return usage_error("--flavor is rfc6749 or smscx, not " + in_quotes(text));
}

result<serve_form> read_output(std::string const& text)
{
    if (text == "summary")
        return serve_form::summary;
    if (text == "env")
        return serve_form::env;
    return usage_error("--output is summary or env, not " + in_quotes(text));
}

result<testing::dpop> read_dpop(std::string const& text)
{
    if (text == "off")
        return testing::dpop::off;
    if (text == "accepted")
        return testing::dpop::accepted;
    if (text == "required")
        return testing::dpop::required;
    return usage_error("--dpop is off, accepted or required, not " + in_quotes(text));
}

constexpr char const* refresh_token = "refresh_token";
constexpr char const* jwt_bearer = "urn:ietf:params:oauth:grant-type:jwt-bearer";

// Client credentials, and those named.
result<std::vector<std::string>> read_grants(std::vector<std::string> const& names)
{
    static constexpr std::array<std::pair<std::string_view, char const*>, 3> known = {{
        {"refresh-token", refresh_token},
        {"jwt-bearer", jwt_bearer},
        {"token-exchange", "urn:ietf:params:oauth:grant-type:token-exchange"},
    }};
    std::vector<std::string> grants = {"client_credentials"};
    for (auto const& name : names)
    {
        auto const* const found = std::find_if(
            known.begin(), known.end(),
            [&name](auto const& one) { return name == one.first || name == one.second; });
        if (found == known.end())
            return usage_error(
                "--grant is refresh-token, jwt-bearer or token-exchange, not " + in_quotes(name));
        grants.emplace_back(found->second);
    }
    return grants;
}

// What a flag's file may hold, and what it is called.
struct pem_place
{
    char const* flag;
    char const* what;
    std::initializer_list<char const*> labels;
};

constexpr pem_place key_place{
    "--key-file",
    "public key or certificate; openssl pkey -in KEY -pubout makes one of a private key",
    {"-----BEGIN PUBLIC KEY-----", "-----BEGIN CERTIFICATE-----"}};
constexpr pem_place certificate_place{
    "--cert-file", "certificate", {"-----BEGIN CERTIFICATE-----"}};
constexpr pem_place client_ca_place{
    "--client-ca-file", "certificate", {"-----BEGIN CERTIFICATE-----"}};
constexpr pem_place assertion_key_place{
    "--assertion-key-file",
    key_place.what,
    {"-----BEGIN PUBLIC KEY-----", "-----BEGIN CERTIFICATE-----"}};

result<std::string> read_pem(pem_place const& from, std::string const& file)
{
    std::ifstream in(file);
    if (!in)
        return usage_error(
            std::string(from.flag) + " " + in_quotes(file) +
            " cannot be read: " + std::generic_category().message(errno));
    std::ostringstream text;
    text << in.rdbuf();
    for (auto const* const label : from.labels)
        if (text.str().find(label) != std::string::npos)
            return text.str();
    return usage_error(
        std::string(from.flag) + " " + in_quotes(file) + " holds no PEM " + from.what);
}

result<void> check_together(serve_flags const& flags)
{
    auto const certificates = flags.certificate_file + flags.client_ca_file;
    if (flags.client_id.empty())
        return usage_error("--client-id must not be empty");
    if (flags.client_ca_file.empty() != flags.certificate_subject.empty())
        return usage_error("--client-ca-file and --cert-subject go together: a CA says whose "
                           "certificate it is");
    if (flags.assertion_issuer.empty() != flags.assertion_key_files.empty())
        return usage_error("--assertion-issuer and --assertion-key-file go together: a key says "
                           "whose assertion it is");
    if (flags.mtls_alias && certificates.empty())
        return usage_error("--mtls-alias goes with --cert-file or --client-ca-file: nobody shows a "
                           "certificate otherwise");
    if (flags.http && !certificates.empty())
        return usage_error("--http excludes --cert-file and --client-ca-file: certificates are "
                           "shown in TLS");
    if (flags.is_public &&
        !(flags.key_files.empty() && (flags.secret_from_file + certificates).empty()))
        return usage_error("--public excludes --secret-file, --key-file, --cert-file and "
                           "--client-ca-file: a public client proves nothing");
    if (flags.dpop_nonce && flags.dpop == "off")
        return usage_error("--dpop-nonce goes with --dpop accepted or required");
    return {};
}

// What the client proves itself by, beside its secret.
result<testing::registered_client> read_client(serve_flags const& flags)
{
    testing::registered_client client{flags.client_id};
    client.subject = flags.certificate_subject;
    for (auto const& file : flags.key_files)
    {
        auto key = read_pem(key_place, file);
        if (!key)
            return key.error();
        client.public_keys.push_back(std::move(*key));
    }
    if (!flags.certificate_file.empty())
    {
        auto certificate = read_pem(certificate_place, flags.certificate_file);
        if (!certificate)
            return certificate.error();
        client.certificates.push_back(std::move(*certificate));
    }
    return client;
}

result<void> take_client(serve_flags const& flags, testing::server_options& server)
{
    auto client = read_client(flags);
    if (!client)
        return client.error();
    if (!flags.client_ca_file.empty())
    {
        auto authorities = read_pem(client_ca_place, flags.client_ca_file);
        if (!authorities)
            return authorities.error();
        server.client_ca_pem = std::move(*authorities);
    }
    // The last, as it may be waited for.
    auto secret =
        flags.is_public ? result<std::string>(std::string()) : read_secret(flags.secret_from_file);
    if (!secret)
        return secret.error();
    client->assertion_secret = *secret;
    server.client_id = flags.client_id;
    server.client_secret = std::move(*secret);
    if (!client->certificates.empty() || !server.client_ca_pem.empty())
        server.client_certificates = flags.mtls_alias
                                         ? testing::client_certificates::requested_at_alias
                                         : testing::client_certificates::requested;
    server.clients = {std::move(*client)};
    return {};
}

result<void> take_grants(serve_flags const& flags, testing::server_options& server)
{
    auto grants = read_grants(flags.grants);
    if (!grants)
        return grants.error();
    server.grants = std::move(*grants);
    for (auto const& grant : server.grants)
        if (grant == refresh_token)
            server.refresh_tokens = {generated_secret()};
    if (flags.assertion_issuer.empty())
        return {};
    bool const taken =
        std::find(server.grants.begin(), server.grants.end(), jwt_bearer) != server.grants.end();
    if (!taken)
        return usage_error("--assertion-issuer goes with --grant jwt-bearer");
    testing::trusted_issuer trusted{flags.assertion_issuer, {}};
    for (auto const& file : flags.assertion_key_files)
    {
        auto key = read_pem(assertion_key_place, file);
        if (!key)
            return key.error();
        trusted.public_keys.push_back(std::move(*key));
    }
    server.assertion_issuers = {std::move(trusted)};
    return {};
}

result<testing::server_options> read_server(serve_flags const& flags)
{
    testing::server_options server;
    if (auto const good = check_together(flags); !good)
        return good.error();
    auto const flavor = read_flavor(flags.flavor);
    if (!flavor)
        return flavor.error();
    auto const port = read_number<std::uint16_t>("--port", flags.port, 0, 65535);
    if (!port)
        return port.error();
    auto const lifetime =
        read_number<std::int32_t>("--token-lifetime", flags.lifetime, 1, 1'000'000'000);
    if (!lifetime)
        return lifetime.error();
    auto const dpop = read_dpop(flags.dpop);
    if (!dpop)
        return dpop.error();
    for (auto const take : {take_grants, take_client})
        if (auto const taken = take(flags, server); !taken)
            return taken.error();
    server.flavor = *flavor;
    server.port = *port;
    server.token_lifetime = std::chrono::seconds(*lifetime);
    server.scopes = words(flags.scope);
    server.dpop = *dpop;
    server.dpop_nonce = flags.dpop_nonce;
    server.tls = !flags.http;
    return server;
}

} // namespace

result<serve_options> read_serve_options(arguments const& args)
{
    serve_flags flags;
    auto const read = read_flags(args, all_flags(flags), "coauth serve");
    if (!read)
        return read.error();
    serve_options options;
    options.help = flags.help;
    if (flags.help)
        return options;
    auto const output = read_output(flags.output);
    if (!output)
        return output.error();
    auto server = read_server(flags);
    if (!server)
        return server.error();
    options.output = *output;
    options.server = std::move(*server);
    options.own_secret = !flags.secret_from_file.empty();
    options.secret_from_file =
        flags.secret_from_file == "-" ? std::string() : flags.secret_from_file;
    return options;
}

void print_serve_help(std::ostream& out)
{
    serve_flags unused;
    out << "Usage: coauth serve [flags]\n\n"
           "Runs an authorization server on this machine, for tests and first tries: real\n"
           "TLS with a CA of its own, real checks of credentials and scope. Ctrl-C ends it.\n"
        << all_flags(unused);
}

} // namespace coauth::cli
