#include "cli/token_command.hpp"

#include "cli/decode.hpp"
#include "cli/report.hpp"
#include "cli/run_operation.hpp"
#include "cli/token_options.hpp"

#include <iostream>
#include <unistd.h>

namespace coauth::cli
{
namespace
{

using std::chrono::milliseconds;
using std::chrono::steady_clock;

token_result fetch(client_options options, token_request request)
{
    return run_with_client<access_token>(
        std::move(options), [&](client& tokens, auto done)
        { tokens.async_get_access_token(std::move(request), std::move(done)); });
}

void print(token_result const& token, token_options const& options, milliseconds elapsed)
{
    if (options.output == output_format::json)
        std::cout << json_line(token, elapsed);
    else if (!token)
        std::cerr << error_summary(token.error(), terminal(STDERR_FILENO));
    else if (options.output == output_format::token)
        std::cout << token->value() << '\n';
    else if (options.output == output_format::header)
        std::cout << "Authorization: " << token->authorization() << '\n';
    else
    {
        auto const& endpoint = options.client.issuer.empty()
                                   ? options.client.config.server.token_endpoint
                                   : options.client.issuer;
        std::cout << token_summary(*token, endpoint, elapsed, terminal(STDOUT_FILENO));
        if (options.decode)
            std::cout << decode_token(token->value(), terminal(STDOUT_FILENO));
    }
}

exit_status fetch_and_print(token_options const& options)
{
    auto const start = steady_clock::now();
    auto const token = fetch(options.client, options.request);
    auto const elapsed = std::chrono::round<milliseconds>(steady_clock::now() - start);
    print(token, options, elapsed);
    return token ? exit_status::ok : to_exit_status(token.error().kind());
}

} // namespace

exit_status token_command(arguments const& args)
{
    auto options = read_token_options(args);
    if (!options)
        return print_failure("no token", options.error(), usage_output(args));
    if (options->help)
    {
        print_token_help(std::cout);
        return exit_status::ok;
    }
    return fetch_and_print(*options);
}

} // namespace coauth::cli
