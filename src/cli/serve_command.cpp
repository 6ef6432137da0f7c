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

// A directory that only this user can read, and that goes with the server.
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

    // The path of a new file with this text.
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

// What someone needs in order to get a token from the server.
struct next_steps
{
    std::string issuer;
    server_endpoints at;
    // For clients with a certificate; empty: the same.
    std::string mtls_token_endpoint;
    // Empty when the server speaks plain HTTP.
    std::string ca_file;
    std::string client_id;
    // Empty for a public client.
    std::string secret;
    std::string secret_from_file;
    bool own_secret = false;
    // Empty when there is none.
    std::string refresh_token;
    bool smscx = false;
    bool needs_proof = false;
};

std::string shell_quoted(std::string const& text)
{
    constexpr char const* plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "_-./:@%+=,";
    if (!text.empty() && text.find_first_not_of(plain) == std::string::npos)
        return text;
    std::string quoted = "'";
    for (char const c : text)
        quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return quoted + "'";
}

void print_env(next_steps const& to)
{
    auto const assign = [](char const* name, std::string const& value)
    { std::cout << "COAUTH_" << name << '=' << shell_quoted(value) << '\n'; };
    assign("ISSUER", to.issuer);
    assign("TOKEN_ENDPOINT", to.at.token_endpoint);
    assign("CA_FILE", to.ca_file);
    assign("CLIENT_ID", to.client_id);
    if (!to.mtls_token_endpoint.empty())
        assign("MTLS_TOKEN_ENDPOINT", to.mtls_token_endpoint);
    if (!to.refresh_token.empty())
        assign("REFRESH_TOKEN", to.refresh_token);
    // The last line: who waits for it has all.
    assign("CLIENT_SECRET_FILE", to.secret_from_file);
    std::cout << std::flush;
}

std::string command(next_steps const& to)
{
    std::string line = "  coauth token";
    if (to.smscx)
        line += " --provider smscx";
    line += " --token-endpoint " + shell_quoted(to.at.token_endpoint) + " \\\n      ";
    line += to.ca_file.empty() ? "--http-loopback" : "--ca-file " + shell_quoted(to.ca_file);
    line += " \\\n      --client-id " + shell_quoted(to.client_id);
    line += to.secret_from_file.empty()
                ? " --auth none"
                : " --client-secret-file " + shell_quoted(to.secret_from_file);
    if (!to.needs_proof)
        return line + '\n';
    return "  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out dpop.pem\n" +
           line + " --dpop dpop.pem\n";
}

std::string shown_secret(next_steps const& to)
{
    if (to.secret_from_file.empty())
        return "none: a public client";
    return to.own_secret ? "the one in " + sanitize_for_terminal(to.secret_from_file) : to.secret;
}

void print_summary(next_steps const& to)
{
    terminal const out(STDOUT_FILENO);
    auto const row = [&out](std::string name, std::string const& value)
    {
        name.resize(16, ' ');
        std::cout << "  " << out.dim(name) << value << '\n';
    };
    std::cout << out.green("Authorization server") << " for tests, in the manner of "
              << (to.smscx ? "SMS.CX" : "RFC 6749") << "\n\n";
    row("issuer", to.issuer);
    row("token endpoint", to.at.token_endpoint);
    if (!to.mtls_token_endpoint.empty())
        row("token, mTLS", to.mtls_token_endpoint);
    row("introspection", to.at.introspection_endpoint);
    row("revocation", to.at.revocation_endpoint);
    row("CA certificate", to.ca_file.empty() ? "none: plain HTTP" : to.ca_file);
    row("client id", sanitize_for_terminal(to.client_id));
    row("client secret", shown_secret(to));
    if (!to.refresh_token.empty())
        row("refresh token", to.refresh_token);
    std::cout << "\nGet a token from it in another terminal:\n\n"
              << command(to) << "\nCtrl-C ends it.\n"
              << std::flush;
}

next_steps invite(
    testing::authorization_server const& server, serve_options const& options,
    temporary_directory& files)
{
    auto const& chosen = options.server;
    next_steps to;
    to.issuer = server.issuer();
    to.at = {
        server.token_endpoint(), server.introspection_endpoint(), server.revocation_endpoint()};
    if (chosen.client_certificates == testing::client_certificates::requested_at_alias)
        to.mtls_token_endpoint = server.mtls_token_endpoint();
    if (chosen.tls)
        to.ca_file = files.add("ca.pem", server.ca_pem());
    to.client_id = chosen.client_id;
    to.secret = chosen.client_secret;
    to.own_secret = options.own_secret;
    to.secret_from_file = options.secret_from_file;
    if (to.secret_from_file.empty() && !to.secret.empty())
        to.secret_from_file = files.add("secret", to.secret);
    if (!chosen.refresh_tokens.empty())
        to.refresh_token = chosen.refresh_tokens.front();
    to.smscx = chosen.flavor == testing::server_flavor::smscx;
    to.needs_proof = chosen.dpop == testing::dpop::required;
    return to;
}

// The signals that end the server: kept from its threads, so that they are waited for here.
sigset_t block_endings()
{
    sigset_t endings;
    sigemptyset(&endings);
    for (int const number : {SIGINT, SIGTERM, SIGHUP})
        sigaddset(&endings, number);
    pthread_sigmask(SIG_BLOCK, &endings, nullptr);
    return endings;
}

exit_status print_error(error const& failure)
{
    std::cerr << terminal(STDERR_FILENO).red("coauth: no server: ")
              << sanitize_for_terminal(failure.message()) << '\n';
    return status_of(failure.kind());
}

exit_status serve(serve_options const& options)
{
    sigset_t const endings = block_endings();
    temporary_directory files;
    auto const server = testing::authorization_server::start(options.server);
    if (!server)
        return print_error(server.error());
    auto const to = invite(*server, options, files);
    if (options.output == serve_form::env)
        print_env(to);
    else
        print_summary(to);
    int ending = 0;
    sigwait(&endings, &ending);
    return exit_status::ok;
}

} // namespace

exit_status serve_command(arguments const& args)
{
    auto const options = read_serve_options(args);
    if (!options)
        return print_error(options.error());
    if (!options->help)
        return serve(*options);
    print_serve_help(std::cout);
    return exit_status::ok;
}

} // namespace coauth::cli
