#include "cli/serve_command.hpp"

#include "cli/sanitize_for_terminal.hpp"
#include "cli/serve_options.hpp"
#include "cli/terminal.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <iostream>
#include <system_error>
#include <unistd.h>

namespace coauth::cli
{
namespace
{

// A directory that only this user can read. The destructor removes it and its files.
class temporary_directory
{
public:
    temporary_directory()
    {
        char const* const parent = std::getenv("TMPDIR");
        path_ = std::string(parent != nullptr && *parent != '\0' ? parent : "/tmp") +
                "/coauth-serve.XXXXXX";
        if (mkdtemp(path_.data()) == nullptr)
            throw std::system_error(errno, std::generic_category(), "no directory " + path_);
    }
    ~temporary_directory()
    {
        for (auto const& file : files_)
            ::unlink(file.c_str());
        ::rmdir(path_.c_str());
    }
    temporary_directory(temporary_directory const&) = delete;
    temporary_directory& operator=(temporary_directory const&) = delete;

    // Writes a new file and returns its path.
    std::string add(std::string const& name, std::string const& text)
    {
        std::string const path = path_ + '/' + name;
        int const fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd >= 0)
            files_.push_back(path);
        auto const written = fd >= 0 ? ::write(fd, text.data(), text.size()) : -1;
        int const failure = errno;
        if (fd >= 0)
            ::close(fd);
        if (written != static_cast<ssize_t>(text.size()))
            throw std::system_error(failure, std::generic_category(), "cannot write " + path);
        return path;
    }

private:
    std::string path_;
    std::vector<std::string> files_;
};

// The data with which a user can get a token from the server.
struct next_steps
{
    std::string issuer;
    server_endpoints endpoints;
    std::string api_url;
    // For clients with a certificate. Empty: the same as the token endpoint.
    std::string mtls_token_endpoint;
    // Empty with plain HTTP.
    std::string ca_file;
    std::string client_id;
    // Empty for a public client.
    std::string secret;
    std::string secret_file;
    // The user supplied the secret, so it is not printed.
    bool has_own_secret = false;
    // Empty: there is none.
    std::string refresh_token;
    bool smscx = false;
    bool needs_proof = false;
};

std::string shell_quoted(std::string const& text)
{
    constexpr char const* unquoted =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
        "_-./:@%+=,";
    if (!text.empty() && text.find_first_not_of(unquoted) == std::string::npos)
        return text;
    std::string quoted = "'";
    for (char const c : text)
        quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return quoted + "'";
}

void print_env(next_steps const& steps)
{
    auto const assign = [](char const* name, std::string const& value)
    { std::cout << "COAUTH_" << name << '=' << shell_quoted(value) << '\n'; };
    assign("ISSUER", steps.issuer);
    assign("TOKEN_ENDPOINT", steps.endpoints.token_endpoint);
    assign("API_URL", steps.api_url);
    assign("CA_FILE", steps.ca_file);
    assign("CLIENT_ID", steps.client_id);
    if (!steps.mtls_token_endpoint.empty())
        assign("MTLS_TOKEN_ENDPOINT", steps.mtls_token_endpoint);
    if (!steps.refresh_token.empty())
        assign("REFRESH_TOKEN", steps.refresh_token);
    // This line must be the last: a script that has read it has all others.
    assign("CLIENT_SECRET_FILE", steps.secret_file);
    std::cout << std::flush;
}

std::string command(next_steps const& steps)
{
    std::string line = "  coauth token";
    if (steps.smscx)
        line += " --provider smscx";
    line += " --token-endpoint " + shell_quoted(steps.endpoints.token_endpoint) + " \\\n      ";
    line += steps.ca_file.empty() ? "--http-loopback" : "--ca-file " + shell_quoted(steps.ca_file);
    line += " \\\n      --client-id " + shell_quoted(steps.client_id);
    line += steps.secret_file.empty() ? " --auth none"
                                      : " --client-secret-file " + shell_quoted(steps.secret_file);
    if (!steps.needs_proof)
        return line + '\n';
    return "  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out dpop.pem\n" +
           line + " --dpop dpop.pem\n";
}

std::string secret_text(next_steps const& steps)
{
    if (steps.secret_file.empty())
        return "none: a public client";
    return steps.has_own_secret ? "the one in " + sanitize_for_terminal(steps.secret_file)
                                : steps.secret;
}

void print_summary(next_steps const& steps)
{
    terminal const out(STDOUT_FILENO);
    auto const row = [&out](std::string name, std::string const& value)
    {
        name.resize(16, ' ');
        std::cout << "  " << out.dim(name) << value << '\n';
    };
    std::cout << out.green("Authorization server") << " for tests, flavor "
              << (steps.smscx ? "SMS.CX" : "RFC 6749") << "\n\n";
    row("issuer", steps.issuer);
    row("token endpoint", steps.endpoints.token_endpoint);
    if (!steps.mtls_token_endpoint.empty())
        row("token, mTLS", steps.mtls_token_endpoint);
    row("introspection", steps.endpoints.introspection_endpoint);
    row("revocation", steps.endpoints.revocation_endpoint);
    row("API", steps.api_url);
    row("CA certificate", steps.ca_file.empty() ? "none: plain HTTP" : steps.ca_file);
    row("client id", sanitize_for_terminal(steps.client_id));
    row("client secret", secret_text(steps));
    if (!steps.refresh_token.empty())
        row("refresh token", steps.refresh_token);
    std::cout << "\nGet a token from it in another terminal:\n\n"
              << command(steps) << "\nCtrl-C ends the server.\n"
              << std::flush;
}

next_steps prepare_next_steps(
    testing::authorization_server const& server, serve_options const& options,
    temporary_directory& files)
{
    auto const& chosen = options.server;
    next_steps steps;
    steps.issuer = server.issuer();
    steps.endpoints = {
        server.token_endpoint(), server.introspection_endpoint(), server.revocation_endpoint()};
    steps.api_url = server.api_url();
    if (chosen.client_certificates == testing::client_certificates::requested_at_alias)
        steps.mtls_token_endpoint = server.mtls_token_endpoint();
    if (chosen.tls)
        steps.ca_file = files.add("ca.pem", server.ca_pem());
    steps.client_id = chosen.client_id;
    steps.secret = chosen.client_secret;
    steps.has_own_secret = options.has_own_secret;
    steps.secret_file = options.secret_file;
    if (steps.secret_file.empty() && !steps.secret.empty())
        steps.secret_file = files.add("secret", steps.secret);
    if (!chosen.refresh_tokens.empty())
        steps.refresh_token = chosen.refresh_tokens.front();
    steps.smscx = chosen.flavor == testing::server_flavor::smscx;
    steps.needs_proof = chosen.dpop == testing::dpop::required;
    return steps;
}

// Blocks the signals that end the server in all its threads, so that serve() can wait for them.
sigset_t block_ending_signals()
{
    sigset_t signals;
    sigemptyset(&signals);
    for (int const number : {SIGINT, SIGTERM, SIGHUP})
        sigaddset(&signals, number);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    return signals;
}

exit_status print_server_error(error const& failure)
{
    std::cerr << terminal(STDERR_FILENO).red("coauth: no server: ")
              << sanitize_for_terminal(failure.message()) << '\n';
    return to_exit_status(failure.kind());
}

exit_status serve(serve_options const& options)
{
    sigset_t const signals = block_ending_signals();
    temporary_directory files;
    auto const server = testing::authorization_server::start(options.server);
    if (!server)
        return print_server_error(server.error());
    auto const steps = prepare_next_steps(*server, options, files);
    if (options.output == serve_format::env)
        print_env(steps);
    else
        print_summary(steps);
    int received = 0;
    sigwait(&signals, &received);
    return exit_status::ok;
}

} // namespace

exit_status serve_command(arguments const& args)
{
    auto const options = read_serve_options(args);
    if (!options)
        return print_server_error(options.error());
    if (!options->help)
        return serve(*options);
    print_serve_help(std::cout);
    return exit_status::ok;
}

} // namespace coauth::cli
