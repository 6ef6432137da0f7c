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
#include <optional>
#include <utility>

namespace coauth::cli
{

// Runs `start(executor, handler)` to its end; an interrupt ends it in an orderly way.
template <class T, class Start>
result<T> run_operation(Start const& start)
{
    namespace asio = boost::asio;
    // Never destroyed: that would wait for a name lookup that hangs.
    auto& context = *new asio::io_context(1);
    auto& cancel = *new asio::cancellation_signal();
    auto& signals = *new asio::signal_set(context, SIGINT, SIGTERM);

    result<T> got = error(errc::cancelled);
    signals.async_wait(
        [&cancel](boost::system::error_code ec, int)
        {
            if (!ec)
                cancel.emit(asio::cancellation_type::terminal);
        });
    auto done = [&](result<T> response)
    {
        got = std::move(response);
        context.stop();
    };
    start(
        asio::any_io_executor(context.get_executor()),
        asio::bind_cancellation_slot(cancel.slot(), std::move(done)));
    context.run();
    return got;
}

inline result<authorization_server> run_discovery(client_options const& options)
{
    auto how = discovery_of(options.config);
    if (options.verbose)
        trace::watch(how);
    return run_operation<authorization_server>(
        [&](boost::asio::any_io_executor const& executor, auto done)
        { async_discover(executor, options.issuer, how, std::move(done)); });
}

// The same with a client, whose server is discovered first where that was asked for: both within
// one time limit.
template <class T, class Start>
result<T> run_with_client(client_options options, Start const& start)
{
    using std::chrono::milliseconds;
    auto const began = std::chrono::steady_clock::now();
    if (!options.issuer.empty())
    {
        auto found = run_discovery(options);
        if (!found)
            return found.error();
        auto const taken = take_server(options, std::move(*found));
        if (!taken)
            return taken.error();
        auto const used =
            std::chrono::floor<milliseconds>(std::chrono::steady_clock::now() - began);
        options.config.timeout = std::max(options.config.timeout - used, milliseconds(1));
    }
    trace shown;
    if (options.verbose)
        shown.watch(options.config);
    std::optional<client> tokens;
    auto got = run_operation<T>(
        [&](boost::asio::any_io_executor const& executor, auto done)
        {
            tokens.emplace(executor, std::move(options.config));
            start(*tokens, std::move(done));
        });
    shown.end();
    return got;
}

} // namespace coauth::cli

#endif
