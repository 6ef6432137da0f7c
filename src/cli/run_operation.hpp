#ifndef COAUTH_SRC_CLI_RUN_OPERATION_HPP
#define COAUTH_SRC_CLI_RUN_OPERATION_HPP

#include <coauth/client.hpp>
#include <coauth/discover.hpp>

#include "cli/client_options.hpp"
#include "cli/trace.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <functional>
#include <optional>
#include <utility>

namespace coauth::cli
{

// True while something goes on that the operation has left behind.
using unfinished_function = std::function<bool()>;

// Runs the operation that `start(executor, handler)` starts. SIGINT and SIGTERM cancel it. What it
// leaves behind has a moment to end.
template <class T, class Start>
result<T> run_operation(Start const& start, unfinished_function const& unfinished = {})
{
    namespace asio = boost::asio;
    // Not destroyed: the destructor would wait for a name lookup that hangs.
    auto& context = *new asio::io_context(1);
    auto& cancel = *new asio::cancellation_signal();
    auto& signals = *new asio::signal_set(context, SIGINT, SIGTERM);

    result<T> outcome = error(errc::cancelled);
    signals.async_wait(
        [&cancel](boost::system::error_code ec, int)
        {
            if (!ec)
                cancel.emit(asio::cancellation_type::terminal);
        });
    auto done = [&](result<T> value)
    {
        outcome = std::move(value);
        context.stop();
    };
    start(
        asio::any_io_executor(context.get_executor()),
        asio::bind_cancellation_slot(cancel.slot(), std::move(done)));
    context.run();
    signals.cancel();
    context.restart();
    auto const end = std::chrono::steady_clock::now() + std::chrono::milliseconds(100);
    while (unfinished && unfinished() && context.run_one_until(end) != 0)
        ;
    return outcome;
}

// The time since its creation.
class stopwatch
{
public:
    [[nodiscard]] std::chrono::milliseconds elapsed() const
    {
        return std::chrono::round<std::chrono::milliseconds>(
            std::chrono::steady_clock::now() - start_);
    }

private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

inline result<authorization_server> run_discovery(client_options const& options)
{
    auto discovery = to_discovery_options(options.config);
    if (options.verbose)
        trace::attach(discovery);
    return run_operation<authorization_server>(
        [&](boost::asio::any_io_executor const& executor, auto done)
        { async_discover(executor, options.issuer, discovery, std::move(done)); });
}

// Runs an operation of a client. Discovers the server first if the options name an issuer; one time
// limit covers both.
template <class T, class Start>
result<T> run_with_client(
    client_options options, Start const& start, unfinished_function const& unfinished = {})
{
    using std::chrono::milliseconds;
    auto const start_time = std::chrono::steady_clock::now();
    if (!options.issuer.empty())
    {
        auto server = run_discovery(options);
        if (!server)
            return server.error();
        auto const done = set_server(options, std::move(*server));
        if (!done)
            return done.error();
        auto const used =
            std::chrono::floor<milliseconds>(std::chrono::steady_clock::now() - start_time);
        options.config.timeout = std::max(options.config.timeout - used, milliseconds(1));
    }
    trace trace;
    if (options.verbose)
        trace.attach(options.config);
    std::optional<client> tokens;
    auto outcome = run_operation<T>(
        [&](boost::asio::any_io_executor const& executor, auto done)
        {
            tokens.emplace(executor, std::move(options.config));
            start(*tokens, std::move(done));
        },
        unfinished);
    // Its last events come before the chart.
    tokens.reset();
    trace.print_timeline();
    return outcome;
}

} // namespace coauth::cli

#endif
