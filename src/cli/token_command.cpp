#include "cli/token_command.hpp"

#include "cli/decode.hpp"
#include "cli/report.hpp"
#include "cli/run_operation.hpp"
#include "cli/store_warnings.hpp"
#include "cli/token_options.hpp"

#include <iostream>
#include <memory>
#include <optional>
#include <unistd.h>
#include <utility>

namespace coauth::cli
{
namespace
{

using std::chrono::steady_clock;

fetch_report fetch(token_options const& options)
{
    token_result token = run_with_client<access_token>(
        options.client, [&](client& tokens, auto done)
        { tokens.async_get_access_token(options.request, std::move(done)); });
    return {std::move(token)};
}

// The claim to the token is being released. If it were not, others would wait for it in vain.
bool releases_claim(shared_tokens_counters const& counters)
{
    auto const of = [&](store_operation operation) -> store_operation_counts const&
    { return counters.operations.at(static_cast<std::size_t>(operation)); };
    // A claim that failed may have been won.
    bool const has_claimed = counters.claims_won != 0 || of(store_operation::claim).failed != 0;
    bool const has_ended = counters.published != 0 || counters.claims_lost != 0 ||
                           of(store_operation::release).ended != 0;
    return has_claimed && !has_ended;
}

// Ends when the token is there for the others, too.
fetch_report fetch_shared(token_options const& options)
{
    auto const deadline = steady_clock::now() + options.client.config.timeout;
    auto client_options = options.client;
    // With --verbose all events are printed in its place.
    client_options.config.observer = std::make_shared<store_warnings>();
    std::optional<shared_tokens> shared;
    token_result token = run_with_client<access_token>(
        std::move(client_options),
        [&](client& tokens, auto done)
        {
            shared.emplace(share_tokens(tokens, *options.store));
            token_fetch what;
            what.request = options.request;
            what.deadline = deadline;
            token_fetcher(*shared).async_fetch(std::move(what), std::move(done));
        },
        [&] { return shared && releases_claim(shared->counters()); });
    return {std::move(token), shared && shared->counters().hits != 0};
}

void print(fetch_report const& report, token_options const& options)
{
    auto const& token = report.token;
    if (options.output == output_format::json)
        std::cout << json_line(report);
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
        std::cout << token_summary(report, endpoint, terminal(STDOUT_FILENO));
        if (options.decode)
            std::cout << decode_token(token->value(), terminal(STDOUT_FILENO));
    }
}

exit_status fetch_and_print(token_options const& options)
{
    stopwatch const watch;
    auto report = options.store ? fetch_shared(options) : fetch(options);
    report.elapsed = watch.elapsed();
    print(report, options);
    return report.token ? exit_status::ok : to_exit_status(report.token.error().kind());
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
