#include "cli/serve_options.hpp"

#include "cli/printable.hpp"
#include "cli/secret_input.hpp"

#include <boost/program_options.hpp>

#include <charconv>
#include <ostream>
#include <random>

namespace coauth::cli
{
namespace
{

namespace po = boost::program_options;

// The flags as they were typed.
struct serve_flags
{
    std::string port;
    std::string dialect;
    std::string lifetime;
    std::string client_id;
    std::string secret_file;
    std::string scope;
    std::string output;
    bool http = false;
    bool help = false;
};

po::options_description all_flags(serve_flags& into)
{
    po::options_description group("Flags");
    group.add_options()(
        "port", po::value(&into.port)->default_value("0")->value_name("NUMBER"),
        "the port at 127.0.0.1; 0: any free one")(
        "dialect", po::value(&into.dialect)->default_value("rfc6749")->value_name("NAME"),
        "rfc6749, or smscx to answer as SMS.CX does")(
        "client-id", po::value(&into.client_id)->default_value("client")->value_name("ID"),
        "the client that it knows")(
        "secret-file", po::value(&into.secret_file)->value_name("FILE"),
        "the file with that client's secret, - for standard input. Default: a new secret")(
        "scope", po::value(&into.scope)->default_value("read write")->value_name("WORDS"),
        "the scopes that the client may have")(
        "token-lifetime", po::value(&into.lifetime)->default_value("3600")->value_name("SECONDS"),
        "how long its tokens live")(
        "http", po::bool_switch(&into.http), "speak plain HTTP; see coauth token --http-loopback")(
        "output,o", po::value(&into.output)->default_value("summary")->value_name("FORM"),
        "summary, or env: assignments for a shell")(
        "help,h", po::bool_switch(&into.help), "show this help");
    return group;
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
        ", not '" + printable(text) + "'");
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
std::string made_up_secret()
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
        return made_up_secret();
    auto const given = read_secret(client_secret_place, file);
    if (!given)
        return given.error();
    return std::string(given->view());
}

result<testing::dialect> read_dialect(std::string const& text)
{
    if (text == "rfc6749")
        return testing::dialect::rfc6749;
    if (text == "smscx")
        return testing::dialect::smscx;
    return usage_error("--dialect is rfc6749 or smscx, not '" + printable(text) + "'");
}

result<serve_form> read_output(std::string const& text)
{
    if (text == "summary")
        return serve_form::summary;
    if (text == "env")
        return serve_form::env;
    return usage_error("--output is summary or env, not '" + printable(text) + "'");
}

result<testing::server_options> read_server(serve_flags const& flags)
{
    auto const dialect = read_dialect(flags.dialect);
    if (!dialect)
        return dialect.error();
    auto const port = read_number<std::uint16_t>("--port", flags.port, 0, 65535);
    if (!port)
        return port.error();
    auto const lifetime =
        read_number<std::int32_t>("--token-lifetime", flags.lifetime, 1, 1'000'000'000);
    if (!lifetime)
        return lifetime.error();
    if (flags.client_id.empty())
        return usage_error("--client-id must not be empty");
    auto secret = read_secret(flags.secret_file);
    if (!secret)
        return secret.error();

    testing::server_options server;
    server.dialect = *dialect;
    server.port = *port;
    server.token_lifetime = std::chrono::seconds(*lifetime);
    server.client_id = flags.client_id;
    server.client_secret = std::move(*secret);
    server.scopes = words(flags.scope);
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
    options.secret_file = flags.secret_file == "-" ? std::string() : flags.secret_file;
    return options;
}

void print_serve_help(std::ostream& out)
{
    serve_flags unused;
    out << "Usage: coauth serve [flags]\n\n"
           "Runs an authorization server on this machine, for tests and first tries: real\n"
           "TLS with a CA of its own, real checks of credentials and scope. Ctrl-C ends it.\n\n"
        << all_flags(unused);
}

} // namespace coauth::cli
