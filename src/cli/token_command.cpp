#include "cli/token_command.hpp"

#include "cli/decode.hpp"
#include "cli/report.hpp"
#include "cli/run_operation.hpp"
#include "cli/token_options.hpp"

#include <boost/asio/post.hpp>

#include <iostream>
#include <unistd.h>
#include <utility>

namespace coauth::cli
{
namespace
{

using std::chrono::milliseconds;
using std::chrono::steady_clock;

template <class Handler>
void done_with(client& tokens, error const& failure, Handler done)
{
    boost::asio::post(
        tokens.get_executor(),
        [failure, done = std::move(done)]() mutable { std::move(done)(token_result(failure)); });
}

// With a store it ends when the token is there for the others, too.
token_result fetch(token_options const& options)
{
    auto const deadline = steady_clock::now() + options.client.config.timeout;
    return run_with_client<access_token>(
        options.client,
        [&](client& tokens, auto done)
        {
            if (!options.store)
                return tokens.async_get_access_token(options.request, std::move(done));
            auto const shared = share_tokens(tokens, *options.store);
            if (!shared)
                return done_with(tokens, shared.error(), std::move(done));
            token_fetch what;
            what.request = options.request;
            what.deadline = deadline;
            shared->async_fetch(std::move(what), std::move(done));
        });
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
    auto const token = fetch(options);
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
