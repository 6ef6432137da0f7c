#include <coauth/version.hpp>

#include "cli/discover_command.hpp"
#include "cli/exit_status.hpp"
#include "cli/introspect_command.hpp"
#include "cli/revoke_command.hpp"
#include "cli/serve_command.hpp"
#include "cli/token_command.hpp"

#include <cstdlib>
#include <exception>
#include <iostream>
#include <new>
#include <string_view>

namespace coauth::cli
{
namespace
{

constexpr char const* help =
    "Usage: coauth <command> [flags]\n"
    "\n"
    "OAuth 2.0 access tokens for servers.\n"
    "\n"
    "  coauth token        get an access token, from SMS.CX or any other server\n"
    "  coauth introspect   ask a server about a token\n"
    "  coauth revoke       revoke a token\n"
    "  coauth discover     show a server's metadata\n"
    "  coauth serve        run an authorization server on this machine, for tests\n"
    "\n"
    "  --help, -h          show this help; coauth COMMAND --help shows its flags\n"
    "  --version           show the version\n";

exit_status run(arguments args)
{
    std::string const command = args.empty() ? std::string() : args.front();
    if (!args.empty())
        args.erase(args.begin());
    if (command == "token")
        return token_command(args);
    if (command == "introspect")
        return introspect_command(args);
    if (command == "revoke")
        return revoke_command(args);
    if (command == "discover")
        return discover_command(args);
    if (command == "serve")
        return serve_command(args);
    if (command == "--version")
        return std::cout << "coauth " COAUTH_VERSION_STRING "\n", exit_status::ok;
    if (command == "--help" || command == "-h" || command == "help")
        return std::cout << help, exit_status::ok;
    if (command.empty())
        return std::cerr << help, exit_status::usage;
    std::cerr << "coauth: the commands are token, introspect, revoke, discover and serve; see "
                 "coauth --help\n";
    return exit_status::usage;
}

exit_status guarded_run(arguments args)
{
    try
    {
        return run(std::move(args));
    }
    catch (std::bad_alloc const&)
    {
        std::cerr << "coauth: out of memory\n";
    }
    catch (std::exception const& e)
    {
        std::cerr << "coauth: " << e.what() << '\n';
    }
    return exit_status::unusable_response;
}

} // namespace
} // namespace coauth::cli

int main(int argc, char** argv)
{
    using coauth::cli::exit_status;
    auto status = coauth::cli::guarded_run({argv + (argc > 0 ? 1 : 0), argv + argc});
    if (!std::cout.flush())
    {
        std::cerr << "coauth: standard output cannot be written\n";
        if (status == exit_status::ok)
            status = exit_status::usage;
    }
    // Skips destructors: they would wait for a name lookup that hangs in its thread.
    std::_Exit(static_cast<int>(status));
}
